"""Decoding what networks give, and moving detections between frames."""

from __future__ import annotations

import numpy as np
import pytest

from ultra_face.detection.predictions import clipped, moved, read_predictions
from ultra_face.faces import Faces
from ultra_face.runtimes.network import Signature

POINTS = np.array([[3, 4], [7, 4], [5, 6], [4, 8], [6, 8]], float)
VISIBLE = np.array([0.9, 0.8, 0.7, 0.6, 0.5])


def column(score: float, *, with_visibility: bool = True) -> list[float]:
    """Centre (5, 6), size 8 x 10: corners 1, 1, 9, 11."""
    points = np.column_stack([POINTS, VISIBLE]) if with_visibility else POINTS
    return [5, 6, 8, 10, score, *points.ravel()]


def detections(count: int = 1) -> Faces:
    box = np.array([[1.0, 1, 9, 11]])
    one = Faces(box, POINTS[None], np.array([0.9]), visibility=VISIBLE[None])
    return Faces.concatenate([one] * count)


def test_columns_above_the_threshold_are_read() -> None:
    output = np.array([column(0.5), column(0.9), column(0.4)], np.float32).T
    found = read_predictions(output, Signature(1, 3, 32, None), confidence=0.5)  # 0.5 itself does not count
    np.testing.assert_allclose(found.boxes_xyxy, [[1, 1, 9, 11]])
    np.testing.assert_allclose(found.landmarks, POINTS[None])
    np.testing.assert_allclose(found.visibility, VISIBLE[None])
    np.testing.assert_allclose(found.scores, [0.9])
    assert found.boxes_xyxy.dtype == np.float64


def test_the_score_is_that_of_the_best_class_and_landmarks_may_lack_visibility() -> None:
    first = column(0.2, with_visibility=False)
    output = np.array([[*first[:5], 0.7, *first[5:]]], np.float32).T
    found = read_predictions(output, Signature(2, 2, 32, None), confidence=0.5)
    np.testing.assert_allclose(found.scores, [0.7])
    np.testing.assert_allclose(found.landmarks, POINTS[None])
    assert found.visibility is None


def test_rows_of_a_file_that_suppresses_by_itself() -> None:
    columns = np.array(column(0.9), np.float32)
    rows = np.array([[1, 1, 9, 11, 0.9, 0, *columns[5:]], np.zeros(21)], np.float32)
    signature = Signature(1, 3, 32, None)
    from_rows = read_predictions(rows, signature, confidence=0.5)
    from_columns = read_predictions(columns[:, None], signature, confidence=0.5)
    for name in ("boxes_xyxy", "landmarks", "visibility", "scores"):
        np.testing.assert_allclose(getattr(from_rows, name), getattr(from_columns, name))


def test_nothing_above_the_threshold_has_full_shapes() -> None:
    found = read_predictions(np.zeros((20, 7), np.float32), Signature(1, 3, 32, None), confidence=0.5)
    shapes = [found.boxes_xyxy.shape, found.landmarks.shape, found.visibility.shape, found.scores.shape]
    assert shapes == [(0, 4), (0, 5, 2), (0, 5), (0,)]


def test_another_layout() -> None:
    with pytest.raises(ValueError, match=r"expected 20 rows, or 21 columns .*, got the shape \(56, 8400\); export"):
        read_predictions(np.zeros((56, 8400), np.float32), Signature(1, 3, 32, None), confidence=0.5)


def test_moving_scales_shifts_and_keeps_boxes_upright() -> None:
    # x' = 20 - 2 y, y' = 2 x + 1: a quarter turn, twice as large. Corner (1, 1) -> (18, 3), (9, 11) -> (-2, 19).
    there = moved(detections(), np.array([[0, -2, 20], [2, 0, 1]], float), mirrored=False)
    np.testing.assert_allclose(there.boxes_xyxy, [[-2, 3, 18, 19]])
    np.testing.assert_allclose(there.landmarks[0, 0], [20 - 2 * 4, 2 * 3 + 1])
    np.testing.assert_allclose(there.visibility, VISIBLE[None])


def test_mirroring_swaps_eyes_and_mouth_corners_with_their_visibility() -> None:
    there = moved(detections(), np.array([[-1, 0, 10], [0, 1, 0]], float), mirrored=True)
    # At 10 - x: the eye at x = 7 is at 3, and is now the left one.
    np.testing.assert_allclose(there.landmarks[0], [[3, 4], [7, 4], [5, 6], [4, 8], [6, 8]])
    np.testing.assert_allclose(there.visibility[0], VISIBLE[[1, 0, 2, 4, 3]])


def test_clipping_keeps_everything_inside_the_image() -> None:
    inside = clipped(detections(2), (7, 6))
    np.testing.assert_allclose(inside.boxes_xyxy, [[1, 1, 6, 7]] * 2)
    np.testing.assert_allclose(inside.landmarks[1], [[3, 4], [6, 4], [5, 6], [4, 7], [6, 7]])
