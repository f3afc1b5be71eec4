"""Activate ultra-face in every interpreter that imports Ultralytics, at no cost to those that do not.

Python runs `install` at start-up: from `ultra_face.pth`, or from `ultra_face.start` on Python 3.15 and later
(PEP 829). It only puts a finder on `sys.meta_path`; torch and Ultralytics are not imported here.
`ULTRA_FACE_AUTOLOAD=0` switches it off. Standard library only, and of that only what every start has loaded
already; a failure here must never break an interpreter.
"""

import os
import sys

TYPE_CHECKING = False  # as in `typing`, whose import costs more than all of this
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

HOST = "ultralytics"


class HostFinder:
    """Finds the host as the other finders do, and has `ultra_face` imported once the host has run."""

    def __init__(self) -> None:
        self._searching = False

    def find_spec(
        self, name: str, path: "Sequence[str] | None" = None, target: "ModuleType | None" = None
    ) -> "ModuleSpec | None":
        """Return the host's own spec with a loader that activates us afterwards, None for other names."""
        if name != HOST or self._searching:
            return None
        self._searching = True
        try:
            return self._spec_with_hook()
        except Exception as error:
            _warn(error)
            return None
        finally:
            self._searching = False

    def _spec_with_hook(self) -> "ModuleSpec | None":
        """Hook the spec that the other finders give.

        The finder stays in place until the host runs, since programs also ask for specs out of interest.
        """
        from importlib.util import find_spec

        spec = find_spec(HOST)
        if spec is None or spec.loader is None:
            return None
        execute = spec.loader.exec_module

        def exec_module(module: "ModuleType") -> None:
            execute(module)
            if self in sys.meta_path:
                sys.meta_path.remove(self)
                _activate()

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def _activate() -> None:
    """Import `ultra_face`, which registers itself; whatever that raises, the host stays as it is."""
    try:
        import ultra_face  # noqa: F401
    except Exception as error:
        _warn(error)


def _warn(error: Exception) -> None:
    import warnings

    warnings.warn(
        f"ultra-face could not be activated ({type(error).__name__}: {error}); Ultralytics works unchanged. "
        "Run `python -m ultra_face doctor`, or set ULTRA_FACE_AUTOLOAD=0 to silence this.",
        RuntimeWarning,
        stacklevel=3,
    )


def install() -> None:
    """Put the finder in front of `sys.meta_path`, once, unless `ULTRA_FACE_AUTOLOAD` is `0`."""
    if os.environ.get("ULTRA_FACE_AUTOLOAD", "1") == "0" or HOST in sys.modules:
        return
    if not any(isinstance(finder, HostFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, HostFinder())
