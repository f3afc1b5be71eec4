"""Which of the models that a trainer, validator, predictor or `YOLO` may hold is a face model, and which IoU it gets.

Face models suppress doubles at an IoU of 0.5, as the papers do, unless the user names an `iou`: at Ultralytics' default
of 0.7 two boxes stay on many faces. What the user names may come as a keyword, from the command line (which becomes
keywords), in a `cfg` file, or in `YOLO(...).overrides`; Ultralytics merges all of them with its default, after which
nobody can tell 0.7 from 0.7. So the methods of `YOLO` are asked, before that.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import nn
from ultralytics.nn.backends.base import BaseBackend
from ultralytics.utils import YAML
from ultralytics.utils.torch_utils import unwrap_model

from ultra_face.heads.table import HEADS

_NAMES = {head.__name__ for head in HEADS}
FACE_IOU = 0.5


def face_model(model: Any) -> Any | None:
    """The model that ends in a head of ours, freed of wrappers and of a distillation's teacher; None for others."""
    bare = unwrap_model(model) if isinstance(model, nn.Module) else None
    student = getattr(bare, "student_model", bare)
    layers = getattr(student, "model", None)
    return student if isinstance(layers, nn.Sequential) and isinstance(layers[-1], HEADS) else None


def is_face_model(model: Any) -> bool:
    """Whether a model ends in a head of ours: the network, Ultralytics' backend for it, or the path of an export.

    The exporter writes the name of the head into its files, which is all that is left of it there.
    """
    if isinstance(model, (str, Path)):
        file = Path(model)
        head = _exported_head(file, file.stat().st_mtime_ns) if file.exists() else None
    else:
        head = (getattr(model, "metadata", None) or {}).get("head")
    networks = (model, getattr(model, "model", None))
    return head in _NAMES or any(face_model(network) is not None for network in networks)


@functools.lru_cache(maxsize=16)  # each call of `predict` asks
def _exported_head(file: Path, changed_ns: int) -> str | None:
    """The head that an exported file or folder names; None for others, and where Ultralytics must load it to know."""
    read = getattr(BaseBackend, "read_metadata", None)
    return None if read is None else read(file).get("head")


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
