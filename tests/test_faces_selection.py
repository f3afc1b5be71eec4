"""What faces tell about themselves, and which of them are chosen by it."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from some_faces import empty, faces_at, some_faces


def test_measures() -> None:
    faces = some_faces()
    np.testing.assert_array_equal(faces.boxes, faces.boxes_xyxy)
    np.testing.assert_array_equal(faces.width, [112, 56, 20])
    np.testing.assert_array_equal(faces.height, [112, 56, 30])
    np.testing.assert_array_equal(faces.area, [112 * 112, 56 * 56, 600])
    # The eyes of the template: 35.2372 px to the right and 0.1949 px up.
    across, up = 73.5318 - 38.2946, 51.6963 - 51.5014
    np.testing.assert_allclose(faces.eye_distance, [np.hypot(across, up), np.hypot(across, up) / 2, np.nan], rtol=1e-5)
    np.testing.assert_allclose(faces.roll, [*[np.rad2deg(np.arctan2(-up, across))] * 2, np.nan], rtol=1e-3)
    np.testing.assert_array_equal(faces.valid, [True, True, False])
    assert np.isnan(faces.pose()[2]).all()
    assert np.abs(faces.pose()[:2]).max() < 10
    assert all(measure.dtype == np.float64 for measure in (faces.width, faces.area, faces.eye_distance, faces.roll))


def test_largest() -> None:
    faces = faces_at((0, 0, 2, 2), (0, 0, 5, 5), (0, 0, 1, 16), (0, 0, 3, 3))
    assert faces.largest(3).area.tolist() == [25, 16, 9]
    assert faces.largest().area.tolist() == [25]
    assert len(faces.largest(9)) == 4
    assert len(faces.largest(0)) == 0
    assert len(empty().largest(2)) == 0


def test_sort() -> None:
    faces = some_faces()
    ids = {
        by: faces.sort(by).track_ids.tolist()  # type: ignore[union-attr]
        for by in ("score", "area", "width", "height", "eye_distance", "left", "top", "track_id")
    }
    assert ids == {
        "score": [3, 7, -1],
        "area": [7, 3, -1],
        "width": [7, 3, -1],
        "height": [7, 3, -1],
        "eye_distance": [7, 3, -1],
        "left": [-1, 3, 7],
        "top": [-1, 3, 7],
        "track_id": [7, 3, -1],
    }
    np.testing.assert_array_equal(faces.sort("left", descending=False).track_ids, [7, 3, -1])
    np.testing.assert_array_equal(faces.sort("eye_distance", descending=False).track_ids, [3, 7, -1])  # NaN comes last
    np.testing.assert_array_equal(faces.sort([1, 3, 2]).track_ids, [3, -1, 7])
    np.testing.assert_array_equal(faces.sort(np.zeros(3)).track_ids, [7, 3, -1])
    aged = dataclasses.replace(faces, data={"age": np.array([30, 20, 40])})
    np.testing.assert_array_equal(aged.sort("age").track_ids, [-1, 7, 3])


def test_sort_by_something_else_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^Faces\.sort: expected one of score, .*, track_id, name, .* got 'size'"):
        some_faces().sort("size")
    with pytest.raises(ValueError, match=r"^Faces\.sort: expected one of score, .*, top or an array, got 'track_id'"):
        empty().sort("track_id")
    with pytest.raises(
        ValueError, match=r"^Faces\.sort: expected one number for each of 3 faces, got int64 of shape \(2,\)"
    ):
        some_faces().sort([1, 2])
    with pytest.raises(
        ValueError, match=r"^Faces\.sort: expected one number for each of 3 faces, got <U3 of shape \(3,"
    ):
        some_faces().sort("name")


def test_inside_judges_the_centres_of_the_boxes() -> None:
    faces = faces_at((0, 0, 10, 10), (8, 0, 14, 10), (20, 20, 30, 30))
    # Centres (5, 5), (11, 5) and (25, 25) against the square up to 10.
    assert faces.inside([(0, 0), (10, 0), (10, 10), (0, 10)]).boxes.tolist() == [[0, 0, 10, 10]]
    assert len(empty().inside([(0, 0), (10, 0), (10, 10)])) == 0


@pytest.mark.parametrize("polygon", [[(0, 0), (1, 1)], [0, 1, 2], np.zeros((3, 3)), np.zeros((0, 2))])
def test_another_polygon_is_refused(polygon: Any) -> None:
    with pytest.raises(ValueError, match=r"^Faces\.inside: expected a polygon \(K, 2\) of 3 or more points, got shape"):
        some_faces().inside(polygon)


def test_nms_keeps_the_best_ones_in_order() -> None:
    # 10 x 10 px moved by 2 px: 80 / 120 = 0.667; by 6 px: 40 / 160 = 0.25.
    faces = faces_at((0, 0, 10, 10), (2, 0, 12, 10), (6, 0, 16, 10), scores=[0.5, 0.9, 0.7])
    assert faces.nms().scores.tolist() == [0.9, 0.7]  # the second and third: 4 px, 60 / 140 = 0.43
    assert faces.nms(0.4).scores.tolist() == [0.9]
    assert faces.nms(0.7).scores.tolist() == [0.5, 0.9, 0.7]
