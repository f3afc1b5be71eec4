"""The `face_loss:` block of a model YAML, checked once."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

RATIO_LIMIT = 4.0
"""Sides of a face and of an anchor that is to find it differ by less than this factor, unless a YAML says otherwise."""


class Bound(NamedTuple):
    """What a setting may be, in words and as a test."""

    words: str
    holds: Callable[[float], bool]


AT_LEAST_0 = Bound("a number of at least 0", lambda value: value >= 0)
ABOVE_0 = Bound("a number above 0", lambda value: value > 0)
BOUNDS = {
    **dict.fromkeys(("alpha", "alpha_start", "wing_width", "wing_epsilon"), ABOVE_0),
    "crowd_exponent": Bound("a number from 0 to 1", lambda value: 0 <= value <= 1),
    "ratio_limit": Bound("a number above 1", lambda value: value > 1),
    "simota": Bound("a whole number of at least 0", lambda value: value >= 0 and value == int(value)),
}
OF_ANCHORS = (
    *("ratio_limit", "simota", "positive_exponent"),
    *("objectness_gain", "objectness_target", "objectness_divisor"),
)


@dataclass(frozen=True)
class FaceLossSettings:
    """Constants of FaceLoss. Source: YOLOv5n-AESVC, equations 3 to 5; what deviates from them is off by default.

    An exponent of 0 makes a factor 1. The quality of a positive is the CIoU of its predicted box, held at or above 0.

    Attributes:
        alpha: exponent of alpha-CIoU at the end of training; 1 is plain CIoU.
        alpha_start: exponent at the start of training, from where it rises evenly; with that of alpha it is constant,
            as in the paper and in the YAMLs of its rows.
        landmark_weight: lambda, the weight of the wing term relative to Ultralytics' `pose` gain. With the default
            gains of 12 and 7.5 it makes landmarks a tenth of boxes, the ratio of YOLO5Face.
        wing_width: w, where the wing loss turns linear [landmark units].
        wing_epsilon: epsilon, the curvature of the wing loss near zero [landmark units].
        landmark_units: so many units of the wing loss are a face's size, the root of its area; 0 makes the stride of
            the level the unit, in which large faces count more.
        crowd_exponent: a face weighs n^-crowd_exponent, n the faces of its image; 0.5 is 1 / sqrt(n).
        ratio_limit: sides of a face and of an anchor that is to find it differ by less than this factor.
        simota: of the anchors that fit, a face keeps the k of lowest cost, k the summed quality of its so many best; 0
            keeps all. See `simota.py`.
        positive_exponent: a positive weighs quality^positive_exponent in the terms of box, landmarks and class.
        objectness_gain: of the objectness term, relative to Ultralytics' `cls` gain.
        objectness_target: a positive's objectness is to become quality^objectness_target.
        objectness_divisor: the objectness term is divided by the sum of quality^objectness_divisor over the positives;
            0 divides by their count.
    """

    alpha: float = 3.0
    alpha_start: float = 1.0
    landmark_weight: float = 0.06
    wing_width: float = 10.0
    wing_epsilon: float = 2.0
    landmark_units: float = 0.0
    crowd_exponent: float = 0.0
    ratio_limit: float = RATIO_LIMIT
    simota: int = 0
    positive_exponent: float = 0.0
    objectness_gain: float = 1.0
    objectness_target: float = 1.0
    objectness_divisor: float = 1.0

    def __post_init__(self) -> None:
        """Reject values that give no loss.

        Raises:
            ValueError: a value that is no finite number, or out of its range.
        """
        for field in fields(self):
            value, bound = getattr(self, field.name), BOUNDS.get(field.name, AT_LEAST_0)
            is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
            if not (is_number and math.isfinite(value) and bound.holds(value)):
                raise ValueError(
                    f"face_loss: {field.name}: expected {bound.words}, got {value!r}; correct the model YAML"
                )

    def only_with_anchors(self) -> list[str]:
        """Names of the settings that mean something to anchors alone, and are not as they are by default."""
        return [name for name in OF_ANCHORS if getattr(self, name) != getattr(type(self), name)]

    def alpha_at(self, progress: float) -> float:
        """Exponent of alpha-CIoU at this share of the training, 0 in the first epoch and 1 in the last."""
        return self.alpha_start + (self.alpha - self.alpha_start) * progress

    @classmethod
    def from_yaml(cls, block: Mapping[str, Any] | None) -> FaceLossSettings:
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
