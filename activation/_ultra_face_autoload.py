"""Activate ultra-face in every interpreter that imports Ultralytics, at no cost to those that do not.

Python runs `install` at start-up (from `ultra_face.pth`, or from `ultra_face.start` on Python 3.15 and later).
It only puts a finder on `sys.meta_path`; torch and Ultralytics are not imported here.
`ULTRA_FACE_AUTOLOAD=0` switches it off. Standard library only: a failure here must never break an interpreter.
"""

import os
import sys

HOST = "ultralytics"


class _HostFinder:
    """Finds the host package as Python would, and imports `ultra_face` once the host has been executed."""

    def find_spec(self, name, path=None, target=None):  # type: ignore[no-untyped-def]
        """Return the host's own spec with a loader that activates us afterwards; None for every other name."""
        if name != HOST:
            return None
        from importlib.machinery import PathFinder

        spec = PathFinder.find_spec(name, path)
        if spec is None or spec.loader is None:
            return None
        sys.meta_path.remove(self)  # type: ignore[arg-type]
        execute = spec.loader.exec_module

        def exec_module(module):  # type: ignore[no-untyped-def]
            execute(module)
            _activate()

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def _activate() -> None:
    """Import `ultra_face`, which registers itself; report a failure once and leave the host as it is."""
    try:
        import ultra_face  # noqa: F401
    except Exception as error:
        import warnings

        warnings.warn(
            f"ultra-face could not be activated ({type(error).__name__}: {error}); Ultralytics works unchanged. "
            "Run `python -m ultra_face doctor`, or set ULTRA_FACE_AUTOLOAD=0 to silence this.",
            RuntimeWarning,
            stacklevel=2,
        )


def install() -> None:
    """Put the finder in front of `sys.meta_path`, once, unless `ULTRA_FACE_AUTOLOAD` is `0`."""
    if os.environ.get("ULTRA_FACE_AUTOLOAD", "1") == "0" or HOST in sys.modules:
        return
    if not any(type(finder).__name__ == "_HostFinder" for finder in sys.meta_path):
        sys.meta_path.insert(0, _HostFinder())  # type: ignore[arg-type]
