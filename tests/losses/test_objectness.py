"""The objectness term against arithmetic by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from ultra_face.losses.face_loss import objectness_loss


def maps(*logits: list[float]) -> list[Tensor]:
    """One image, one anchor, a row of cells a level; only the objectness, the fifth output, counts."""
    levels = [torch.full((1, 1, 6, 1, len(row)), 9.0) for row in logits]
    for level, row in zip(levels, logits, strict=True):
        level[0, 0, 4, 0] = torch.tensor(row)
    return levels


def cross_entropy(logit: float, target: float) -> float:
    p = 1 / (1 + math.exp(-logit))
    return -target * math.log(p) - (1 - target) * math.log(1 - p)


def test_positives_are_asked_for_their_quality_and_all_others_for_nothing() -> None:
    # Slots count through the levels: 0 and 1 lie in the first, 2 to 4 in the second.
    loss = objectness_loss(maps([0.0, 2.0], [-1.0, 0.5, 3.0]), torch.tensor([1, 3]), torch.tensor([0.8, 0.6]))
    total = sum(cross_entropy(*pair) for pair in [(0, 0), (2, 0.8), (-1, 0), (0.5, 0.6), (3, 0)])
    assert float(loss) == pytest.approx(total / (0.8 + 0.6), rel=1e-5)


def test_of_two_faces_at_one_slot_the_better_placed_counts() -> None:
    one = maps([1.0])
    both = objectness_loss(one, torch.tensor([0, 0]), torch.tensor([0.9, 0.7]))
    assert float(both) == pytest.approx(cross_entropy(1.0, 0.9) / 1.6, rel=1e-5)


def test_without_positives_the_sum_stands_alone() -> None:
    none = torch.zeros(0, dtype=torch.long), torch.zeros(0)
    assert float(objectness_loss(maps([0.0, 0.0]), *none)) == pytest.approx(2 * math.log(2), rel=1e-5)
