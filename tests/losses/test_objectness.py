"""The objectness term against arithmetic by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from ultra_face.losses import face_loss
from ultra_face.losses.settings import FaceLossSettings


def maps(*logits: list[float]) -> list[Tensor]:
    """One image, one anchor, a row of cells a level; only the objectness, the fifth output, counts."""
    levels = [torch.full((1, 1, 6, 1, len(row)), 9.0) for row in logits]
    for level, row in zip(levels, logits, strict=True):
        level[0, 0, 4, 0] = torch.tensor(row)
    return levels


def objectness_loss(levels: list[Tensor], slot: Tensor, quality: Tensor, **settings: float) -> Tensor:
    certain = torch.ones_like(quality)
    return face_loss.objectness_loss(levels, slot, quality, certain, torch.ones(1), FaceLossSettings(**settings))


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


def test_exponents_make_targets_of_one_and_a_sum_that_counts() -> None:
    at = torch.tensor([0, 1]), torch.tensor([0.8, 0.5])
    certain = sum(cross_entropy(*pair) for pair in [(1.0, 1), (0.5, 1), (2.0, 0)])
    by_quality = sum(cross_entropy(*pair) for pair in [(1.0, 0.8), (0.5, 0.5), (2.0, 0)])
    levels = maps([1.0, 0.5, 2.0])
    assert float(objectness_loss(levels, *at, objectness_target=0)) == pytest.approx(certain / 1.3, rel=1e-5)
    assert float(objectness_loss(levels, *at, objectness_divisor=0)) == pytest.approx(by_quality / 2, rel=1e-5)


def test_every_output_of_an_image_weighs_as_the_image() -> None:
    levels = [torch.full((2, 1, 6, 1, 1), 9.0), torch.full((2, 1, 6, 1, 1), 9.0)]
    for image in (0, 1):
        levels[0][image, 0, 4], levels[1][image, 0, 4] = 1.0, -1.0
    # Slots: both images of the first level, then both of the second; the second image has a face in each level.
    slot, quality, images = torch.tensor([1, 3]), torch.tensor([0.8, 0.6]), torch.tensor([3.0, 0.5])
    loss = face_loss.objectness_loss(levels, slot, quality, torch.ones(2), images, FaceLossSettings())
    empty = cross_entropy(1.0, 0) + cross_entropy(-1.0, 0)
    found = cross_entropy(1.0, 0.8) + cross_entropy(-1.0, 0.6)
    assert float(loss) == pytest.approx((3 * empty + 0.5 * found) / 1, rel=1e-5)  # 0.5 x 1.4 is below 1


def test_of_two_faces_at_one_slot_the_larger_target_counts() -> None:
    at = torch.tensor([0, 0]), torch.tensor([0.9, 0.7]), torch.tensor([0.5, 1.0])  # 0.45 and 0.7
    loss = face_loss.objectness_loss(maps([1.0]), *at, torch.ones(1), FaceLossSettings())
    assert float(loss) == pytest.approx(cross_entropy(1.0, 0.7) / 1.15, rel=1e-5)
