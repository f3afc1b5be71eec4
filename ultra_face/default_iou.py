"""Face models suppress doubles at an IoU of 0.5, as the papers do, unless the user names an `iou`.

At Ultralytics' default of 0.7 two boxes stay on many faces. What the user names may come as a keyword, from the command
line (which becomes keywords), in a `cfg` file, or in `YOLO(...).overrides`; Ultralytics merges all of them with its
default, after which nobody can tell 0.7 from 0.7. So the methods of `YOLO` are asked, before that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ultralytics.utils import YAML

from ultra_face.callbacks.face_model import is_face_model

FACE_IOU = 0.5


def with_face_iou(model: Any, arguments: dict[str, Any], *, find_yaml: Callable[[Any], Any]) -> dict[str, Any]:
    """The keyword arguments of a method of `YOLO`, with the `iou` of face models where it is theirs to choose.

    A resumed training keeps what its checkpoint says.

    Args:
        model: Ultralytics' `YOLO` object.
        arguments: of `predict`, `val`, `export`, `train` or `tune`.
        find_yaml: Ultralytics' look-up of the file that `cfg` names.
    """
    is_named = "iou" in arguments or "iou" in model.overrides
    if is_named or arguments.get("resume") or not is_face_model(model.model):
        return arguments
    if (cfg := arguments.get("cfg")) and "iou" in YAML.load(find_yaml(cfg)):
        return arguments
    return {**arguments, "iou": FACE_IOU}
