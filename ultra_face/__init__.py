"""Face detection with five landmarks for Ultralytics. Importing this package registers it with the host."""

from __future__ import annotations

from ultra_face.faces import Faces
from ultra_face.registration import register

__version__ = "0.1.0"
__all__ = ["Faces", "__version__", "register"]

register()
