"""Face detection with five landmarks for Ultralytics.

Importing this package registers it with Ultralytics: at once if that is imported already, else as soon as it is. The
package itself loads neither torch nor Ultralytics, so that `ultra_face.data` and `ultra_face.evaluation` need none.
"""

from __future__ import annotations

import importlib

from ultra_face.plugin import autoload
from ultra_face.plugin.checkpoints import open_former_paths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ultra_face.detector import FaceDetector
    from ultra_face.face import Face
    from ultra_face.faces import Faces
    from ultra_face.plugin.registration import register

__version__ = "0.1.0"
__all__ = ["Face", "FaceDetector", "Faces", "__version__", "register"]

_HOMES = {
    "Face": "ultra_face.face",
    "FaceDetector": "ultra_face.detector",
    "Faces": "ultra_face.faces",
    "register": "ultra_face.plugin.registration",
}


def __getattr__(name: str) -> object:
    """Import a public name where it is first used."""
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


open_former_paths()
autoload.register_with_host()
