"""Bring in ultra-face when a program imports Ultralytics, at no cost to those that never do.

Python runs `install` at start-up: from `ultra_face.pth`, or from `ultra_face.start` on Python 3.15 and later
(PEP 829). It only puts a finder on `sys.meta_path`; neither torch nor Ultralytics nor ultra-face is imported here.
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
    from typing import Any

HOST = "ultralytics"


class StartFinder:
    """Finds the host as the other finders do, and puts a loader of ours around its own.

    It imports nothing: Python holds a lock on all imports while a finder looks. It stays in place until the host has
    run, since programs also ask for specs out of interest.
    """

    def find_spec(
        self, name: str, path: "Sequence[str] | None" = None, target: "ModuleType | None" = None
    ) -> "ModuleSpec | None":
        """Return the host's own spec with our loader, None for other names."""
        if name != HOST:
            return None
        try:
            for finder in sys.meta_path:
                spec = None if finder is self else finder.find_spec(name, path, target)
                if spec is not None:
                    spec.loader = spec.loader and StartLoader(spec.loader)  # type: ignore[assignment]
                    return spec
        except Exception as error:
            _warn(error)
        return None


class StartLoader:
    """Leaves the host to the loader of the package, which registers it; to its own where the package is broken."""

    def __init__(self, loader: "Any") -> None:
        self._loader = loader

    def __getattr__(self, name: str) -> "Any":
        return getattr(self._loader, name)

    def exec_module(self, module: "ModuleType") -> None:
        """Run the host."""
        loader = self._loader
        try:
            import ultra_face  # whole: to ask for its part first would be a deadlock with a thread that imports it

            loader = ultra_face.plugin.autoload.HostLoader(loader)
        except Exception as error:
            _warn(error)
        loader.exec_module(module)


def install() -> None:
    """Put the finder in front of `sys.meta_path`, once, unless `ULTRA_FACE_AUTOLOAD` is `0`."""
    if os.environ.get("ULTRA_FACE_AUTOLOAD", "1") == "0" or HOST in sys.modules:
        return
    if not any(isinstance(finder, StartFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, StartFinder())


def _warn(error: Exception) -> None:
    import warnings

    warnings.warn(
        f"ultra-face could not be activated ({type(error).__name__}: {error}); Ultralytics works unchanged. "
        "Run `python -m ultra_face doctor`, or set ULTRA_FACE_AUTOLOAD=0 to silence this.",
        RuntimeWarning,
        stacklevel=3,
    )
