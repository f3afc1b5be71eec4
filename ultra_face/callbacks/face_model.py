"""Which of the models that a trainer, validator, predictor or `YOLO` may hold is a face model."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from torch import nn
from ultralytics.nn.backends.base import BaseBackend
from ultralytics.utils.torch_utils import unwrap_model

from ultra_face.heads.table import HEADS


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


_NAMES = {head.__name__ for head in HEADS}


@functools.lru_cache(maxsize=16)  # each call of `predict` asks
def _exported_head(file: Path, changed_ns: int) -> str | None:
    """The head that an exported file or folder names; None for others, and where Ultralytics must load it to know."""
    read = getattr(BaseBackend, "read_metadata", None)
    return None if read is None else read(file).get("head")
