"""What is compared: a row is a model, what is changed of it, and the question that it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Row:
    """One way to train.

    Attributes:
        model: name of the model YAML, without suffix.
        question: what the row answers, beside another.
        face_loss: settings over those of the YAML's `face_loss:` block.
        recipe: Ultralytics' settings over those of the recipe that all rows share.
    """

    model: str
    question: str
    face_loss: Mapping[str, Any] = field(default_factory=dict)
    recipe: Mapping[str, Any] = field(default_factory=dict)


def _alpha(start: float, end: float) -> dict[str, float]:
    return {"alpha_start": start, "alpha": end}


FACE, FREE = "yolov5n-face", "yolov5n-face-free"

ROWS: Mapping[str, Row] = {
    "stock": Row("yolov5n-pose", "Ultralytics' head and loss on the trunk of all other rows: what is to be beaten"),
    "face": Row(FACE, "anchors and the paper's FaceLoss, alpha constant 3"),
    "face-free": Row(FREE, "Ultralytics' head with FaceLoss, alpha rising from 1 to 3"),
    "aesvc": Row("yolov5n-aesvc", "the paper's full model"),
    "face-alpha-1": Row(FACE, "plain CIoU", _alpha(1, 1)),
    "face-alpha-rising": Row(FACE, "alpha rising from 1 to 3", _alpha(1, 3)),
    "face-free-alpha-1": Row(FREE, "plain CIoU", _alpha(1, 1)),
    "face-free-alpha-3": Row(FREE, "alpha constant 3", _alpha(3, 3)),
}
