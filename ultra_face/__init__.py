"""Face detection with five landmarks for Ultralytics. Importing this package registers it with the host.

`ULTRA_FACE_REGISTER=0` leaves that to a call of `register()`: then `ultra_face.eval` and `ultra_face.data`, which need
no torch, import none.
"""

from __future__ import annotations

import os

from ultra_face.faces import Faces
from ultra_face.registration import register

__version__ = "0.1.0"
__all__ = ["Faces", "__version__", "register"]

if os.environ.get("ULTRA_FACE_REGISTER", "1") != "0":
    register()
