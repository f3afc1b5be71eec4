"""IoU and CIoU of each box with each, against torchvision and Ultralytics."""

from __future__ import annotations

import math

import pytest
import torch
from literal import random_boxes
from torchvision.ops import box_iou
from ultralytics.utils.metrics import bbox_iou

from ultra_face.refinement.overlap import pairwise_ciou, pairwise_iou

BOTH = pytest.mark.parametrize("overlap", [pairwise_iou, pairwise_ciou])


def test_iou_is_that_of_torchvision() -> None:
    first, second = random_boxes(2, 40, seed=0), random_boxes(2, 30, seed=1)
    got = pairwise_iou(first, second)
    assert got.shape == (2, 40, 30)
    assert (got > 0).float().mean() > 0.02  # there is something to compare
    for image in range(2):
        torch.testing.assert_close(got[image], box_iou(first[image], second[image]))


def test_ciou_is_that_of_ultralytics() -> None:
    first, second = random_boxes(2, 40, seed=2), random_boxes(2, 30, seed=3)
    got = pairwise_ciou(first, second)
    assert got.shape == (2, 40, 30)
    for image in range(2):
        pairs = first[image].repeat_interleave(30, 0), second[image].repeat(40, 1)
        expected = bbox_iou(*pairs, xywh=False, CIoU=True).view(40, 30)
        torch.testing.assert_close(got[image], expected, rtol=1e-4, atol=1e-5)


@BOTH
def test_a_box_shares_all_with_itself(overlap) -> None:
    boxes = random_boxes(1, 20, seed=4)
    torch.testing.assert_close(overlap(boxes, boxes)[0].diagonal(), torch.ones(20))


def test_ciou_takes_off_distance_and_shape() -> None:
    # Squares of side 4, one moved right by 2: IoU 8 / 24; centres 2 apart in an enclosing box of 6 x 4.
    first, second = torch.tensor([[[0.0, 0, 4, 4]]]), torch.tensor([[[2.0, 0, 6, 4]]])
    assert float(pairwise_ciou(first, second)) == pytest.approx(8 / 24 - 2**2 / (6**2 + 4**2))
    # 4 x 4 and 4 x 8 about the same centre: IoU 1 / 2, v = 4 / pi^2 (atan 1 - atan 1/2)^2, a = v / (1 - IoU + v).
    tall = torch.tensor([[[0.0, -2, 4, 6]]])
    v = 4 / math.pi**2 * (math.atan(1) - math.atan(1 / 2)) ** 2
    assert float(pairwise_ciou(first, tall)) == pytest.approx(1 / 2 - v * v / (1 / 2 + v))


@BOTH
def test_empty_boxes_share_nothing_and_stay_finite(overlap) -> None:
    empty, box = torch.tensor([[[5.0, 5, 5, 5]]]), torch.tensor([[[0.0, 0, 10, 10]]])
    for first, second in ((empty, box), (box, empty), (empty, empty)):
        shared = overlap(first, second)
        assert shared.isfinite().all()
        assert shared.max() <= 0


@BOTH
def test_half_precision_keeps_large_faces(overlap) -> None:
    # 400 x 400 = 160,000 px, beyond the 65,504 that half precision holds.
    large = torch.tensor([[[0.0, 0, 400, 400], [40, 0, 440, 400]]])
    torch.testing.assert_close(overlap(large.half(), large.half()), overlap(large, large))
