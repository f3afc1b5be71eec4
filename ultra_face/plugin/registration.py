"""Registration with Ultralytics: once, where the version allows it, and with one warning where it fails.

The seams themselves are in `host.py`. It is imported only after the version of the host is known to be
supported, since another version may lack the names that it imports.
"""

from __future__ import annotations

import re
import threading
import time
import warnings
from dataclasses import dataclass

# The tested range of Ultralytics. pyproject.toml repeats it for pip; a test compares the two. Before 8.4.141 it builds
# SPPF without the activation that YOLOv5 has: a network that is rebuilt from its YAML, as for training, is another one.
LOWEST, BELOW = "8.4.141", "8.5"

SUPPORTED = f">={LOWEST},<{BELOW}"

HALF_MADE = ("partially initialized module", "deadlock detected by _ModuleLock")
"""So says Python where another thread imports a module and the two would wait for each other: of a name that the module
lacks as yet, and of its lock."""
SECONDS, INTERVAL = 10, 0.05
"""That another thread has to import what it is at, and between two looks [s]."""

_lock = threading.Lock()


@dataclass(frozen=True)
class Seam:
    """State of one seam: its name, whether it holds, and why not."""

    name: str
    holds: bool
    reason: str = ""


_seams: tuple[Seam, ...] | None = None


def register(*, wait: bool = True) -> tuple[Seam, ...]:
    """Import Ultralytics and put every seam in place, once; later calls return the same states.

    Warns once if Ultralytics cannot be imported or is outside the tested versions (then nothing is changed,
    and the one state is that of "all seams"), or if a seam does not hold (then that seam alone is left out).

    Args:
        wait: for parts of Ultralytics that another thread is importing. Without, nothing is decided yet where there are
            such, and there are no states: whoever imports Ultralytics itself must not wait for one that waits for it.
    """
    global _seams
    # Before our lock is taken: whoever imports the host elsewhere comes here, too, before that import is done.
    version, obstacle = _import_host()
    with _lock:
        is_first = _seams is None
        if _seams is None:
            _seams = _apply_seams(wait=wait) if obstacle is None else _no_seams(obstacle)
        if _seams is None:
            return ()
    broken = [seam for seam in _seams if not seam.holds]
    if is_first and broken:
        reasons = "; ".join(f"{seam.name}: {seam.reason}" for seam in broken)
        warnings.warn(
            f"ultra-face: {reasons}. Stock models work unchanged, face models may not. Installed is "
            f"ultralytics {version}, supported is {SUPPORTED}; `python -m ultra_face doctor` tells more.",
            RuntimeWarning,
            stacklevel=2,
        )
    return _seams


def is_supported(version: str) -> bool:
    """Whether a version of Ultralytics such as `8.4.190` lies in the tested range."""
    return _release(LOWEST) <= _release(version) < _release(BELOW)


def _import_host() -> tuple[str, str | None]:
    """Version of the host, "none" where it does not import, and why it cannot be changed."""
    try:
        import ultralytics

        version = str(ultralytics.__version__)
    except Exception as error:  # a broken installation may raise anything
        return "none", f"Ultralytics cannot be imported ({type(error).__name__}: {error})"
    return version, None if is_supported(version) else "this Ultralytics is outside the tested versions"


def _apply_seams(*, wait: bool) -> tuple[Seam, ...] | None:
    """The states of the seams; None where parts of the host are still being imported, and nobody is to wait."""
    end = time.monotonic() + SECONDS
    while True:
        try:
            from ultra_face.plugin.host import apply_seams
        except (ImportError, AttributeError, RuntimeError) as error:
            if not any(told in str(error) for told in HALF_MADE) or (wait and time.monotonic() > end):
                return _no_seams(f"Ultralytics has changed ({type(error).__name__}: {error})")
            if not wait:
                return None
            time.sleep(INTERVAL)
        else:
            return tuple(Seam(name, not reason, reason) for name, reason in apply_seams().items())


def _no_seams(reason: str) -> tuple[Seam, ...]:
    return (Seam("all seams", False, reason),)


def _release(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])
