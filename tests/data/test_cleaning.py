from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest

from ultra_face.data.cleaning import MARKED_INVALID, OUTSIDE_IMAGE, TOO_SMALL, RowReading, clean_faces, fit_to_image
from ultra_face.formats.annotation import FaceAnnotations


def make_faces(boxes, landmarks=None, invalid=None):
    boxes = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
    return FaceAnnotations(
        image="a.jpg",
        where="label.txt:1",
        boxes_xywh=boxes,
        landmarks=np.zeros((len(boxes), 5, 3)) if landmarks is None else np.asarray(landmarks, dtype=np.float64),
        invalid=np.zeros(len(boxes), bool) if invalid is None else np.asarray(invalid),
    )


@pytest.mark.parametrize(
    ("box", "clipped"),
    [
        ((10, 5, 30, 40), (10, 5, 30, 40)),  # inside: unchanged
        ((-5, -8, 30, 40), (0, 0, 25, 32)),  # loses 5 px on the left, 8 px at the top
        ((80, 30, 50, 50), (80, 30, 20, 20)),  # 100 - 80 px wide, 50 - 30 px high remain
        ((0, 0, 2, 2), (0, 0, 2, 2)),  # exactly the smallest side
    ],
)
def test_boxes_are_clipped_to_the_image(box, clipped):
    cleaned = clean_faces(make_faces([box]), width=100, height=50)
    np.testing.assert_allclose(cleaned.faces.boxes_xywh, [clipped])
    assert not cleaned.skipped_boxes


@pytest.mark.parametrize(
    ("box", "reason"),
    [
        ((10, 10, 1.9, 20), TOO_SMALL),
        ((10, 10, 0, 0), TOO_SMALL),
        ((10, 10, 20, -2), TOO_SMALL),  # WIDER FACE's validation list has a width of -2
        ((99, 10, 20, 20), TOO_SMALL),  # 1 px remains inside
        ((100, 10, 20, 20), OUTSIDE_IMAGE),
        ((10, -30, 20, 20), OUTSIDE_IMAGE),
    ],
)
def test_unusable_boxes_are_counted_by_reason(box, reason):
    cleaned = clean_faces(make_faces([box, (10, 10, 20, 20)]), width=100, height=50)
    assert cleaned.skipped_boxes == {reason: 1}
    np.testing.assert_allclose(cleaned.faces.boxes_xywh, [(10, 10, 20, 20)])


def test_a_box_marked_invalid_is_counted_once():
    cleaned = clean_faces(make_faces([(10, 10, 1, 1)], invalid=[True]), width=100, height=50)
    assert cleaned.skipped_boxes == {MARKED_INVALID: 1}
    assert len(cleaned.faces) == 0


def test_landmarks_outside_the_image_are_blanked_and_missing_ones_not_counted():
    points = [(0, 0, 2), (100, 50, 1), (100.5, 20, 2), (20, -0.1, 2), (0, 0, 0)]
    cleaned = clean_faces(make_faces([(10, 10, 20, 20)], landmarks=[points]), width=100, height=50)
    expected = [(0, 0, 2), (100, 50, 1), (0, 0, 0), (0, 0, 0), (0, 0, 0)]
    np.testing.assert_allclose(cleaned.faces.landmarks, [expected])
    assert cleaned.landmarks_outside == 2


def test_landmarks_of_skipped_boxes_are_not_counted():
    outside = np.full((1, 5, 3), 200.0)
    cleaned = clean_faces(make_faces([(10, 10, 1, 1)], landmarks=outside), width=100, height=50)
    assert cleaned.landmarks_outside == 0


def test_no_faces():
    cleaned = clean_faces(make_faces([]), width=100, height=50)
    assert len(cleaned.faces) == 0
    assert not cleaned.skipped_boxes


def test_select():
    faces = make_faces([(1, 2, 3, 4), (5, 6, 7, 8)], landmarks=np.ones((2, 5, 3)), invalid=[False, True])
    chosen = faces.select(np.array([False, True]))
    np.testing.assert_array_equal(chosen.boxes_xywh, [(5, 6, 7, 8)])
    np.testing.assert_array_equal(chosen.landmarks, np.ones((1, 5, 3)))
    np.testing.assert_array_equal(chosen.invalid, [True])
    assert (chosen.image, chosen.where) == ("a.jpg", "label.txt:1")


def test_move_scales_then_shifts_and_leaves_missing_landmarks_at_zero():
    points = [(10, 20, 2), (0, 0, 1), (5, 5, 2), (0, 0, 0), (0, 0, 0)]
    moved = make_faces([(10, 20, 30, 40)], landmarks=[points]).move(scale=(2, 0.5), shift=(-3, 7))
    np.testing.assert_array_equal(moved.boxes_xywh, [(17, 17, 60, 20)])
    np.testing.assert_array_equal(moved.landmarks, [[(17, 17, 2), (-3, 7, 1), (7, 9.5, 2), (0, 0, 0), (0, 0, 0)]])


def test_no_faces_move():
    assert len(make_faces([]).move(shift=(1, 1))) == 0


def test_boxes_that_reach_beyond_the_image_are_counted_where_rounding_does_not_explain_it():
    boxes = [(10, 10, 90, 40), (-1, 10, 30, 41), (70, 10, 31.5, 20), (-2, 10, 30, 20), (10, -40, 20, 20)]
    # image of 100 x 50 px: inside; beyond by 1 px twice; by 1.5 px; by 2 px; wholly outside, and counted as that
    cleaned = clean_faces(make_faces(boxes), width=100, height=50)
    assert cleaned.cut_boxes == 2
    assert cleaned.skipped_boxes == {OUTSIDE_IMAGE: 1}


def stated(size):
    landmarks = np.zeros((1, 5, 3))
    landmarks[0, 0] = (40, 60, 2)
    return replace(make_faces([(20, 40, 100, 80)], landmarks), stated_size=size)


@pytest.mark.parametrize("size", [None, (800, 600)])
def test_a_size_that_is_right_or_not_stated_changes_nothing(size):
    faces = stated(size)
    assert fit_to_image(faces, width=800, height=600) is faces


@pytest.mark.parametrize(
    ("size", "actual", "scale"),
    [
        ((800, 600), (400, 300), (0.5, 0.5)),
        ((800, 600), (1600, 1200), (2, 2)),
        ((1024, 683), (800, 534), (800 / 1024, 534 / 683)),  # 683 x 800 / 1024 = 533.6, rounded
        ((1024, 683), (800, 533), (800 / 1024, 533 / 683)),  # the same, cut off
    ],
)
def test_labels_of_a_photograph_that_was_scaled_are_scaled(size, actual, scale):
    faces = fit_to_image(stated(size), width=actual[0], height=actual[1])
    np.testing.assert_allclose(faces.boxes_xywh, np.array([[20, 40, 100, 80]]) * (*scale, *scale))
    np.testing.assert_allclose(faces.landmarks[0, 0], (40 * scale[0], 60 * scale[1], 2))
    np.testing.assert_array_equal(faces.landmarks[0, 1:], np.zeros((4, 3)))


@pytest.mark.parametrize(
    ("actual", "message"),
    [
        (
            (600, 800),
            "label.txt:1: expected a.jpg to measure 800 x 600 px as stated, got 600 x 800 px, width and height",
        ),
        ((300, 400), "got 300 x 400 px, width and height swapped; label the image as it is now"),
        ((800, 500), "got 800 x 500 px, another shape; label the image as it is now"),
    ],
)
def test_labels_of_an_image_of_another_shape_are_refused(actual, message):
    with pytest.raises(ValueError, match=message):
        fit_to_image(stated((800, 600)), width=actual[0], height=actual[1])


def reading_of(*boxes, invalid=()):
    """The reading of boxes in an image of 100 x 80 px."""
    reading = RowReading("label.txt")
    marks = np.isin(np.arange(len(boxes)), invalid)
    faces = FaceAnnotations("a.jpg", "label.txt:1", np.array(boxes, float), np.zeros((len(boxes), 5, 3)), marks)
    reading.see(faces, width=100, height=80)
    return reading


def test_boxes_inside_their_images_pass():
    reading = reading_of((10, 10, 20, 20), (70, 50, 30, 30), (70, 50, 31, 31))  # the last by rounding
    reading.check()
    assert (reading.boxes, reading.inside, reading.inside_as_corners) == (3, 3, 1)


def test_corners_taken_for_sizes_are_refused_with_both_readings():
    reading = reading_of((10, 10, 20, 20), (60, 10, 80, 30), (10, 50, 30, 70), (70, 40, 90, 60))
    # x1 + x2 and y1 + y2 leave 100 x 80 px for all but the first, which lies left of and above the middle
    with pytest.raises(
        ValueError,
        match=r"^label\.txt: expected rows to start with x y w h, got 3 of 4 boxes that reach beyond their images, "
        r"while 4 lie inside as corners x1 y1 x2 y2; rewrite the rows as x y w h, or cut boxes that are x y w h at",
    ):
        reading.check()


INSIDE, OVERRUN = (10, 10, 20, 20), (60, 10, 80, 30)
"""Both inside 100 x 80 px as corners."""


@pytest.mark.parametrize(("inside", "overrun", "refused"), [(2, 1, True), (3, 1, False), (0, 1, True), (1, 0, False)])
def test_a_third_of_the_boxes_is_too_many(inside, overrun, refused):
    reading = reading_of(*[INSIDE] * inside, *[OVERRUN] * overrun)
    with pytest.raises(ValueError, match=f"got {overrun} of {inside + overrun} boxes") if refused else nullcontext():
        reading.check()


def test_large_boxes_that_overrun_are_no_corners():
    reading = reading_of((-5, -5, 110, 95), (60, 50, 50, 40))
    assert (reading.inside, reading.inside_as_corners) == (0, 0)
    reading.check()


def test_marked_boxes_do_not_count():
    reading = reading_of((10, 10, 20, 20), (60, 10, 80, 30), invalid=[1])
    assert reading.boxes == 1
    reading.check()


def test_no_boxes():
    RowReading("label.txt").check()
