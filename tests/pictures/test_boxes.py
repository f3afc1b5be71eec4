"""Boxes in the plane of an image: pixels, suppression and polygons, against torchvision and OpenCV."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torchvision.ops import nms

from ultra_face.pictures.boxes import Region, areas, crop, grow, inside, suppress


def random_boxes(n: int, *, seed: int = 0) -> NDArray[np.float64]:
    chance = np.random.default_rng(seed)
    corners = chance.uniform(0, 100, (n, 2))
    return np.concatenate([corners, corners + chance.uniform(0, 60, (n, 2))], axis=1)


@pytest.mark.parametrize("iou", [0.0, 0.3, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("seed", range(4))
def test_suppression_is_torchvisions(iou: float, seed: int) -> None:
    boxes, scores = random_boxes(120, seed=seed), np.random.default_rng(seed).permutation(120) / 120
    expected = nms(torch.from_numpy(boxes), torch.from_numpy(scores), iou).numpy()
    assert np.flatnonzero(suppress(boxes, scores, iou=iou)).tolist() == sorted(expected)


def test_suppression_of_equal_of_empty_and_of_no_boxes() -> None:
    same = np.array([[10.0, 10, 20, 20]] * 3)
    assert suppress(same, np.array([0.5, 0.5, 0.5]), iou=0.5).tolist() == [True, False, False]  # the first one stays
    points = np.array([[5.0, 5, 5, 5]] * 2)  # without area they overlap nothing
    assert suppress(points, np.array([0.5, 0.6]), iou=0.5).tolist() == [True, True]
    assert suppress(np.zeros((0, 4)), np.zeros(0), iou=0.5).shape == (0,)


@pytest.mark.parametrize(
    "polygon",
    [
        [[10, 10], [90, 20], [60, 95]],
        [[10, 10], [90, 10], [90, 90], [10, 90]],
        [[10, 90], [90, 90], [90, 10], [10, 10]],  # the other way round
        [[10, 10], [90, 10], [90, 90], [50, 40], [10, 90]],  # with a bay
    ],
)
def test_points_in_polygons_are_opencvs(polygon: list[list[float]]) -> None:
    corners = np.array(polygon, np.float64)
    points = np.random.default_rng(0).uniform(0, 100, (500, 2))
    expected = [cv2.pointPolygonTest(corners.astype(np.float32), tuple(point), False) > 0 for point in points.tolist()]
    assert inside(points, corners).tolist() == expected
    assert 50 < sum(expected) < 450
    assert inside(points[:0], corners).shape == (0,)


def test_growing_keeps_the_centre() -> None:
    # Of 20 x 10 px about (20, 15): 1.3 times is 26 x 13 px.
    np.testing.assert_allclose(grow(np.array([[10, 10, 30, 20]]), 1.3), [[7, 8.5, 33, 21.5]])


def test_areas_of_boxes_the_wrong_way_round_are_zero() -> None:
    assert areas(np.array([[0, 0, 2, 3], [2, 0, 0, 3], [2, 3, 0, 0], [1, 1, 1, 5]])).tolist() == [6, 0, 0, 0]


@pytest.mark.parametrize(
    ("box", "rows", "columns"),
    [
        ((2, 3, 5, 7), (3, 7), (2, 5)),
        ((2.9, 3.9, 5.1, 7.1), (3, 8), (2, 6)),  # every pixel that it touches
        ((4, 4, 4, 4), (4, 5), (4, 5)),  # without area: the pixel that it lies in
        ((-3, -3, 2, 2), (0, 2), (0, 2)),
        ((18, 8, 30, 30), (8, 10), (18, 20)),
        ((19.5, 9.5, 20, 10), (9, 10), (19, 20)),  # the last pixel
        ((20, 2, 25, 4), (2, 4), (20, 20)),  # beside the image
        ((-9, 2, -4, 4), (2, 4), (0, 0)),
    ],
)
def test_pixels_of_a_box_in_an_image_of_20_x_10(
    box: tuple[float, ...], rows: tuple[int, int], columns: tuple[int, int]
) -> None:
    region = Region.of(np.array(box), 10, 20)
    assert (region.rows.start, region.rows.stop) == rows
    assert (region.columns.start, region.columns.stop) == columns


IMAGE = np.arange(10 * 20 * 3, dtype=np.uint8).reshape(10, 20, 3)


def test_crops_are_copies_of_what_the_boxes_show() -> None:
    boxes = np.array([[2, 3, 5, 7], [-3, -3, 2, 2], [18.5, 8, 30, 30], [4, 4, 4, 4]])
    first, over_the_corner, over_the_other, point = crop(IMAGE, boxes, margin=0, square=False)
    np.testing.assert_array_equal(first, IMAGE[3:7, 2:5])
    np.testing.assert_array_equal(over_the_corner, IMAGE[:2, :2])
    np.testing.assert_array_equal(over_the_other, IMAGE[8:, 18:])
    np.testing.assert_array_equal(point, IMAGE[4:5, 4:5])
    assert not np.shares_memory(first, IMAGE)
    assert crop(IMAGE, boxes[:0], margin=0, square=True) == []


def test_a_box_beside_the_image_shows_the_nearest_pixel() -> None:
    beside = np.array([[25.0, 3, 30, 5], [-9, -9, -4, -4], [5, 10, 8, 10]])
    right, corner, below = crop(IMAGE, beside, margin=0, square=False)
    np.testing.assert_array_equal(right, IMAGE[3:5, 19:])
    np.testing.assert_array_equal(corner, IMAGE[:1, :1])
    np.testing.assert_array_equal(below, IMAGE[9:, 5:8])


def test_margin_is_a_part_of_the_box() -> None:
    # 10 x 4 px: a margin of 0.2 adds 2 px left and right, 0.8 px above and below, which touches one more row each.
    (found,) = crop(IMAGE, np.array([[5, 3, 15, 7]]), margin=0.2, square=False)
    np.testing.assert_array_equal(found, IMAGE[2:8, 3:17])


def test_squares_have_the_longer_side_and_are_black_beyond_the_image() -> None:
    # 10 x 4 px about (10, 5): a square of 10 px from (5, 0).
    (found,) = crop(IMAGE, np.array([[5, 3, 15, 7]]), margin=0, square=True)
    np.testing.assert_array_equal(found, IMAGE[:10, 5:15])
    (over,) = crop(IMAGE, np.array([[-4, -4, 4, 4]]), margin=0, square=True)
    assert over.shape == (8, 8, 3)
    np.testing.assert_array_equal(over[4:, 4:], IMAGE[:4, :4])
    assert not over[:4].any()
    assert not over[:, :4].any()
    (beside,) = crop(IMAGE, np.array([[30, 30, 34, 33]]), margin=0, square=True)
    assert beside.shape == (4, 4, 3)
    assert not beside.any()


def test_crops_of_grey_images_are_grey() -> None:
    box = np.array([[5, 3, 15, 7]])
    for square in (False, True):
        (colour,) = crop(IMAGE, box, margin=0.1, square=square)
        (grey,) = crop(IMAGE[..., 1], box, margin=0.1, square=square)
        np.testing.assert_array_equal(grey, colour[..., 1])
