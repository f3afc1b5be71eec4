"""Non-maximum suppression against a derivation and against torchvision."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torchvision.ops import nms

from benchmarks.peers.suppression import suppress

# The second overlaps the first by 8 x 10 of 12 x 10 px, IoU 2/3; the third by 5 x 10 of 15 x 10, IoU 1/3.
BOXES = np.array([[0, 0, 10, 10], [2, 0, 12, 10], [5, 0, 15, 10]], np.float32)
SCORES = np.array([0.7, 0.9, 0.8], np.float32)


@pytest.mark.parametrize(
    ("iou_threshold", "kept"),
    [
        (0.7, [1, 2, 0]),  # 2/3 of the first and second stay under it
        (0.6, [1, 2]),  # second against third: 7 x 10 of 13 x 10 px, IoU 7/13 = 0.54
        (0.5, [1]),
    ],
)
def test_boxes_that_overlap_more_than_the_threshold_give_way(iou_threshold: float, kept: list[int]) -> None:
    assert suppress(BOXES, SCORES, iou_threshold=iou_threshold, num_candidates=10).tolist() == kept


def test_only_the_best_candidates_take_part() -> None:
    assert suppress(BOXES, SCORES, iou_threshold=0.7, num_candidates=2).tolist() == [1, 2]


def test_nothing_gives_nothing() -> None:
    empty = suppress(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), iou_threshold=0.5, num_candidates=10)
    assert empty.shape == (0,)


def test_torchvision_keeps_the_same_boxes() -> None:
    rng = np.random.default_rng(0)
    corner, side = rng.uniform(0, 100, (300, 2)), rng.uniform(5, 40, (300, 2))
    boxes = np.concatenate([corner, corner + side], axis=1).astype(np.float32)
    scores = rng.uniform(0.01, 1, 300).astype(np.float32)
    expected = nms(torch.from_numpy(boxes), torch.from_numpy(scores), 0.4).numpy()
    np.testing.assert_array_equal(suppress(boxes, scores, iou_threshold=0.4, num_candidates=300), expected)
