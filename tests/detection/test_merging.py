"""Suppression against torchvision's, and merging of views by what it promises."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torchvision.ops import nms

from ultra_face.detection.suppression import SAME_FACE, merge, suppress


def crowd(count: int, *, seed: int, faces: int = 40) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Boxes that gather on faces, and their scores."""
    rng = np.random.default_rng(seed)
    face = rng.integers(0, faces, count)
    centers, sides = rng.uniform(0, 500, (faces, 2)), rng.uniform(10, 80, (faces, 1))
    middle = centers[face] + rng.normal(0, 0.15, (count, 2)) * sides[face]
    half = sides[face] * rng.uniform(0.4, 0.6, (count, 2))
    return np.concatenate([middle - half, middle + half], axis=1), rng.random(count)


@pytest.mark.parametrize("count", [0, 1, 2, 50, 3000])
@pytest.mark.parametrize("iou", [0.3, 0.5, 0.7])
def test_within_a_pass_as_torchvision(count: int, iou: float) -> None:
    boxes, scores = crowd(count, seed=count)
    expected = nms(torch.from_numpy(boxes), torch.from_numpy(scores), iou).numpy()
    np.testing.assert_array_equal(suppress(boxes, scores, iou=iou), expected)
    assert count < 50 or 0 < len(expected) < count


def test_boxes_without_area_and_identical_boxes() -> None:
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 10], [5, 5, 5, 5], [5, 5, 5, 5.0]])
    # Twins are one face; boxes without area overlap nothing, not even each other.
    np.testing.assert_array_equal(suppress(boxes, np.array([0.8, 0.9, 0.3, 0.4]), iou=0.5), [1, 3, 2])


# A face, a part of it that a tile shows, and a face beside it.
WHOLE, PART, BESIDE = [0, 0, 100, 100], [60, 20, 100, 90], [90, 0, 190, 100]


def merged(*found: tuple[list[float], float, int, bool]) -> list[int]:
    boxes, scores, views, is_cut = (np.array(column) for column in zip(*found, strict=True))
    return merge(boxes.astype(float), scores, views, is_cut).tolist()


def test_a_part_lies_in_the_whole_though_their_union_overlap_is_small() -> None:
    # Intersection over union: 40 x 70 / 100 x 100 = 0.28; over the smaller box: 1.
    assert merged((WHOLE, 0.9, 0, False), (PART, 0.8, 1, False)) == [0]


def test_what_an_edge_cuts_gives_way_though_it_scores_higher() -> None:
    assert merged((WHOLE, 0.6, 0, False), (PART, 0.9, 1, True)) == [0]
    assert merged((PART, 0.9, 1, True), (WHOLE, 0.6, 0, False)) == [1]


def test_what_an_edge_cuts_stays_where_nothing_else_shows_it() -> None:
    assert merged((BESIDE, 0.6, 0, False), (PART, 0.9, 1, True)) == [1, 0]  # best first, whole or not


def test_boxes_of_one_view_are_not_compared_again() -> None:
    assert merged((WHOLE, 0.9, 0, False), (PART, 0.8, 0, False)) == [0, 1]


def test_the_share_at_which_two_boxes_are_one_face() -> None:
    assert SAME_FACE == 0.5
    for top, expected in ((49, [0]), (50, [0, 1])):  # 51 of its 100 rows lie in the whole, then exactly half
        assert merged((WHOLE, 0.9, 0, False), ([0, top, 100, top + 100], 0.8, 1, False)) == expected


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_views_does_not_matter(seed: int) -> None:
    rng = np.random.default_rng(seed)
    boxes, scores = crowd(300, seed=seed)
    boxes, scores = boxes.round(), scores.round(1)  # many equal ones
    views, is_cut = rng.integers(0, 6, 300), rng.random(300) < 0.3
    expected = boxes[merge(boxes, scores, views, is_cut)]
    shuffled, renamed = rng.permutation(300), rng.permutation(6)
    kept = merge(boxes[shuffled], scores[shuffled], renamed[views[shuffled]], is_cut[shuffled])
    np.testing.assert_array_equal(boxes[shuffled][kept], expected)
    assert 0 < len(kept) < 300
