"""The highest values of each row, and how many of them.

The right bottom corner of the input, in eager code and in a graph.

IoU and CIoU of each box with each, against torchvision and Ultralytics.
"""

from __future__ import annotations

import math

import pytest
import torch
from literal import random_boxes
from torch import Tensor
from torchvision.ops import box_iou
from ultralytics.utils.metrics import bbox_iou

from ultra_face.refinement.geometry import best, edge_xy, pairwise_ciou, pairwise_iou

VALUES = torch.tensor([[0.1, 0.9, 0.0, 0.5], [0.3, 0.0, 0.0, 0.2]])


def test_the_highest_come_first_with_their_places() -> None:
    values, places = best(VALUES, 2)
    torch.testing.assert_close(values, torch.tensor([[0.9, 0.5], [0.3, 0.2]]))
    assert places.tolist() == [[1, 3], [0, 3]]


@pytest.mark.parametrize(
    ("limit", "above", "count"),
    [
        (10, None, 4),  # of four values
        (3, None, 3),
        (10, 0.0, 3),  # three in the first row, two in the second
        (10, 0.25, 2),
        (10, 0.5, 1),  # 0.5 itself is not above
        (10, 0.95, 1),  # never none
        (2, 0.0, 2),
    ],
)
def test_their_number(limit: int, above: float | None, count: int) -> None:
    values, places = best(VALUES, limit, above=above)
    assert values.shape == places.shape == (2, count)


def test_width_comes_first() -> None:
    edge = edge_xy((480, 640), torch.zeros(1, dtype=torch.float64))
    assert edge.tolist() == [640, 480]
    assert edge.dtype == torch.float64


@pytest.mark.filterwarnings("ignore:.*torch.jit.trace")  # the exporters of Ultralytics trace
def test_a_traced_graph_follows_the_size_of_its_input() -> None:
    def edge(image: Tensor) -> Tensor:
        return edge_xy((image.shape[-2], image.shape[-1]), image)

    traced = torch.jit.trace(edge, torch.zeros(1, 3, 480, 640))
    assert traced(torch.zeros(1, 3, 100, 200)).tolist() == [200, 100]


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
