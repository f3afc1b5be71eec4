"""Registration with Ultralytics: once, where the version allows it, and with one warning where it fails.

The seams themselves are in `host.py`. It is imported only after the version of the host is known to be
supported, since another version may lack the names that it imports.
"""

from __future__ import annotations

import functools
import re
import warnings

from ultra_face.seam import Seam

# The tested range of Ultralytics. pyproject.toml repeats it for pip; a test compares the two.
LOWEST, BELOW = "8.4.104", "8.5"
SUPPORTED = f">={LOWEST},<{BELOW}"


@functools.cache
def register() -> tuple[Seam, ...]:
    """Put every seam in place, once; later calls return the same states.

    Warns once if Ultralytics cannot be imported or is outside the tested versions (then nothing is changed,
    and the one state is that of "all seams"), or if a seam does not hold (then that seam alone is left out).
    """
    version, seams = _apply_once()
    broken = [seam for seam in seams if not seam.holds]
    if broken:
        reasons = "; ".join(f"{seam.name}: {seam.reason}" for seam in broken)
        warnings.warn(
            f"ultra-face: {reasons}. Stock models work unchanged, face models may not. Installed is "
            f"ultralytics {version}, supported is {SUPPORTED}; `python -m ultra_face doctor` tells more.",
            RuntimeWarning,
            stacklevel=2,
        )
    return seams


def is_supported(version: str) -> bool:
    """Whether a version of Ultralytics such as `8.4.190` lies in the tested range."""
    return _release(LOWEST) <= _release(version) < _release(BELOW)


@functools.cache  # of its own: where warnings are errors, `register` raises and must not patch again
def _apply_once() -> tuple[str, tuple[Seam, ...]]:
    """Version of the host, "none" where it does not import, and the states of the seams."""
    try:
        import ultralytics

        version = str(ultralytics.__version__)
    except Exception as error:  # a broken installation may raise anything
        return "none", _no_seams(f"Ultralytics cannot be imported ({type(error).__name__}: {error})")
    if not is_supported(version):
        return version, _no_seams("this Ultralytics is outside the tested versions")
    try:
        from ultra_face.host import apply_seams
    except (ImportError, AttributeError) as error:
        return version, _no_seams(f"Ultralytics has changed ({type(error).__name__}: {error})")
    return version, apply_seams()


def _no_seams(reason: str) -> tuple[Seam, ...]:
    return (Seam("all seams", False, reason),)


def _release(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])
