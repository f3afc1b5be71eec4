from __future__ import annotations

from contextlib import nullcontext

import numpy as np
import pytest

from ultra_face.data.row_reading import RowReading
from ultra_face.formats.annotation import FaceAnnotations


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
