"""The `face_loss:` block of a model YAML, checked once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields

RATIO_LIMIT = 4.0
"""Sides of a face and of an anchor that is to find it differ by less than this factor."""


@dataclass(frozen=True)
class FaceLossSettings:
    """Constants of FaceLoss. Source: YOLOv5n-AESVC, equations 3 to 5.

    Attributes:
        alpha: exponent of alpha-CIoU at the end of training; 1 is plain CIoU.
        alpha_start: exponent at the start of training, from where it rises evenly; with that of alpha it is constant,
            as in the paper and in the YAMLs of its rows.
        landmark_weight: lambda, the weight of the wing term relative to Ultralytics' `pose` gain. With the default
            gains of 12 and 7.5 it makes landmarks a tenth of boxes, the ratio of YOLO5Face.
        wing_width: w, where the wing loss turns linear [strides].
        wing_epsilon: epsilon, the curvature of the wing loss near zero [strides].
    """

    alpha: float = 3.0
    alpha_start: float = 1.0
    landmark_weight: float = 0.06
    wing_width: float = 10.0
    wing_epsilon: float = 2.0

    def __post_init__(self) -> None:
        """Reject values that give no loss.

        Raises:
            ValueError: a value that is no finite number, or out of its range.
        """
        for field in fields(self):
            value = getattr(self, field.name)
            positive = field.name != "landmark_weight"
            is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
            valid = is_number and math.isfinite(value) and (value > 0 if positive else value >= 0)
            if not valid:
                bound = "a number above 0" if positive else "a number of at least 0"
                raise ValueError(f"face_loss: {field.name}: expected {bound}, got {value!r}; correct the model YAML")

    def alpha_at(self, progress: float) -> float:
        """Exponent of alpha-CIoU at this share of the training, 0 in the first epoch and 1 in the last."""
        return self.alpha_start + (self.alpha - self.alpha_start) * progress

    @classmethod
    def from_yaml(cls, block: Mapping[str, float] | None) -> FaceLossSettings:
        """Read the `face_loss:` block; None or empty gives the defaults.

        Raises:
            ValueError: a block that is no mapping, an unknown key, or a value out of its range.
        """
        if block is None:
            return cls()
        if not isinstance(block, Mapping):
            raise ValueError(f"face_loss: expected a mapping of settings, got {block!r}; known are {_known()}")
        unknown = set(block) - {field.name for field in fields(cls)}
        if unknown:
            raise ValueError(
                f"face_loss: unknown key {', '.join(sorted(map(repr, unknown)))}; known are {_known()}; "
                "correct the model YAML"
            )
        return cls(**block)


def _known() -> str:
    return ", ".join(field.name for field in fields(FaceLossSettings))
