"""A change of scores by size, written into the last convolution of a head: nothing is added to the network.

A convolution gives linear functions of its input, so another one of its rows, or a multiple of it, can be added to the
row of a score. Of AnchorPose the box rows tell the side: a decoded width is w = a (2 sigmoid(t))^2, so that
log2(w / a) = 2 log2(2 sigmoid(t)), nearly linear in t round 0, where its slope is 1 / ln 2. The slope taken is that of
least squares over the boxes of the photographs, through the same zero. Heads without anchors have a distribution
instead, of which no row is linear in the side; their levels tell it: each score gets the mean of its level.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import singledispatch
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import expit, logit  # type: ignore[import-untyped]
from ultralytics.nn.modules.head import Pose

from ultra_face.calibration.fit import REFERENCE
from ultra_face.calibration.found import Cells
from ultra_face.heads.anchor_pose import AnchorPose

FloatArray = NDArray[np.float64]
OBJECTNESS = 4  # row of an anchor, behind its box


@dataclass(frozen=True)
class Term:
    """logit -> gain x logit + slope x log2(side / 32 px) + offset."""

    gain: float
    slope: float
    offset: float

    def score(self, score: float) -> float:
        """What the score of a 32 px box becomes."""
        return float(expit(self.gain * logit(score) + self.offset))


class Sides(Protocol):
    """What a head can tell of the side of a box by linear functions alone."""

    def doublings(self, cells: Cells) -> FloatArray:
        """log2(side / 32 px) of each box as the head tells it (n,)."""

    def write(self, head: Any, term: Term) -> None:
        """Change the scores of a head of this kind."""


def true_doublings(cells: Cells) -> FloatArray:
    """log2(side / 32 px) of each box (n,); the side is the geometric mean of width and height."""
    return np.asarray(np.log2(np.maximum(cells.boxes_wh, 1e-3)).mean(axis=1) - np.log2(REFERENCE))


@singledispatch
def sides_of(head: Any, cells: Cells) -> Sides:
    """How a head tells sides, fitted to boxes that it found.

    Raises:
        ValueError: a head of another kind.
    """
    raise ValueError(f"expected AnchorPose, FacePose or Pose, got {type(head).__name__}; name a face model")


@dataclass(frozen=True)
class AnchorSides:
    """By the box rows.

    Attributes:
        slope: doublings of the side for each unit of the mean of both box values.
    """

    slope: float

    def doublings(self, cells: Cells) -> FloatArray:
        """See Sides."""
        return np.asarray(_anchor_doublings(cells.anchors_wh) + self.slope * _box_values(cells).mean(axis=1))

    def write(self, head: Any, term: Term) -> None:
        """See Sides."""
        zero = _anchor_doublings(head.anchor_wh.double().cpu().numpy().reshape(-1, 2)).reshape(head.nl, head.na)
        rows = torch.arange(head.na) * head.no
        with torch.no_grad():
            for conv, of_level in zip(head.predict, zero, strict=True):
                constant = term.slope * torch.from_numpy(of_level) + term.offset
                for values, added in ((conv.weight, 0.0), (conv.bias, constant)):
                    exact = values.double()
                    sides = self.slope * (exact[rows + 2] + exact[rows + 3]) / 2
                    changed = term.gain * exact[rows + OBJECTNESS] + term.slope * sides + added
                    values[rows + OBJECTNESS] = changed.to(values)


@dataclass(frozen=True)
class LevelSides:
    """By the level.

    Attributes:
        of_levels: mean log2(side / 32 px) of the boxes of each.
    """

    of_levels: tuple[float, ...]

    def doublings(self, cells: Cells) -> FloatArray:
        """See Sides."""
        return np.asarray(self.of_levels)[cells.levels]

    def write(self, head: Any, term: Term) -> None:
        """See Sides."""
        with torch.no_grad():
            for layers, side in zip(head.cv3, self.of_levels, strict=True):
                conv = layers[-1]
                conv.weight.mul_(term.gain)
                conv.bias.mul_(term.gain).add_(term.slope * side + term.offset)


@sides_of.register
def _(head: AnchorPose, cells: Cells) -> AnchorSides:
    values = _box_values(cells).mean(axis=1)
    doublings = true_doublings(cells) - _anchor_doublings(cells.anchors_wh)
    squares = float(values @ values)
    return AnchorSides(float(values @ doublings) / squares if squares else 1 / np.log(2))


@sides_of.register
def _(head: Pose, cells: Cells) -> LevelSides:
    doublings = true_doublings(cells)
    strides = np.log2(head.stride.double().cpu().numpy() / REFERENCE)
    return LevelSides(
        tuple(
            float(doublings[cells.levels == level].mean() if (cells.levels == level).any() else strides[level])
            for level in range(head.nl)
        )
    )


def _anchor_doublings(anchors_wh: FloatArray) -> FloatArray:
    """(n, 2) [input px] -> log2(side / 32 px) (n,), which a box has whose values are 0."""
    return np.asarray(np.log2(anchors_wh).mean(axis=1) - np.log2(REFERENCE))


def _box_values(cells: Cells) -> FloatArray:
    """The values (n, 2) that were decoded to width and height: t of w = a (2 sigmoid(t))^2."""
    half = np.sqrt(cells.boxes_wh / cells.anchors_wh) / 2
    return np.asarray(logit(np.clip(half, 1e-6, 1 - 1e-6)))
