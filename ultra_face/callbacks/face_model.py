"""Which of the models that a trainer may hold is a face model."""

from __future__ import annotations

from typing import Any

from torch import nn
from ultralytics.utils.torch_utils import unwrap_model

from ultra_face.heads.table import HEADS


def face_model(model: Any) -> Any | None:
    """The model that ends in a head of ours, freed of wrappers and of a distillation's teacher; None for others."""
    bare = unwrap_model(model) if isinstance(model, nn.Module) else None
    student = getattr(bare, "student_model", bare)
    layers = getattr(student, "model", None)
    return student if isinstance(layers, nn.Sequential) and isinstance(layers[-1], HEADS) else None
