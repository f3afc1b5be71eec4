"""Bring in ultra-face when a program looks for Ultralytics, at no cost to those that never do.

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

HOST = "ultralytics"


class StartFinder:
    """Stands for the finder of the package until the host is looked for."""

    def find_spec(
        self, name: str, path: "Sequence[str] | None" = None, target: "ModuleType | None" = None
    ) -> "ModuleSpec | None":
        """What the package's finder gives for the host, None for other names."""
        if name != HOST:
            return None
        try:
            from ultra_face.autoload import HostFinder

            return HostFinder().find_spec(name, path, target)
        except Exception as error:
            import warnings

            warnings.warn(
                f"ultra-face could not be activated ({type(error).__name__}: {error}); Ultralytics works unchanged. "
                "Run `python -m ultra_face doctor`, or set ULTRA_FACE_AUTOLOAD=0 to silence this.",
                RuntimeWarning,
                stacklevel=2,
            )
            return None


def install() -> None:
    """Put the finder in front of `sys.meta_path`, once, unless `ULTRA_FACE_AUTOLOAD` is `0`."""
    if os.environ.get("ULTRA_FACE_AUTOLOAD", "1") == "0" or HOST in sys.modules:
        return
    if not any(isinstance(finder, StartFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, StartFinder())
