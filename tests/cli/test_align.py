"""`ultra-face align` with bright squares as faces, and on real photographs; test_crop.py has what `crop` shares."""

from __future__ import annotations

from argparse import ArgumentTypeError
from pathlib import Path

import cv2
import numpy as np
import pytest
from squares import TWO, find_squares, read_image, squares, write_image

from ultra_face import FaceDetector
from ultra_face.cli import align
from ultra_face.pictures.alignment import RECOGNITION_TEMPLATE, TEMPLATE_SIDE

BOTH = squares(*TWO)


@pytest.mark.parametrize(
    ("words", "size"), [("", 112), ("|--size|64", 64), ("|--size|96x112", (96, 112)), ("|--size|200x80", (200, 80))]
)
def test_crops_are_those_of_faces(run_command, words, size):
    write_image("a.png", BOTH)
    assert run_command(f"align|a.png|--output|out{words}") == 0
    expected = find_squares(BOTH).align(BOTH, size=size)
    width, height = (size, size) if isinstance(size, int) else size
    assert expected.shape == (2, height, width, 3)
    for number, crop in enumerate(expected):
        np.testing.assert_array_equal(read_image(f"out/a-00{number}.png"), crop)


@pytest.mark.parametrize("text", ["0", "-1", "96x", "x", "96x0", "96X112", "12345", "1.5", "1x2x3", ""])
def test_sizes_that_are_refused(text):
    message = f"^expected a side or a width and a height in px, such as 112 or 96x112, got {text!r}$"
    with pytest.raises(ArgumentTypeError, match=message):
        align._size(text)


@pytest.mark.data
def test_real_photographs_upright_and_turned(run_command, shared_data):
    """In its crop the detector finds each large face again, with its landmarks where they were brought to.

    A photograph on its head gives the same people upright.
    """
    photograph = cv2.imread(str(shared_data / "groups-672" / "images" / "5748ef967f8f.jpg"))
    write_image("in/upright.png", photograph)
    write_image("in/on its head.png", photograph[::-1, ::-1])
    assert run_command("align|in|--output|out|--largest|3|--size|224|--rotate|0,180", None) == 0
    found = [read_image(file) for file in sorted(Path("out").glob("*.png"))]
    assert len(found) == 6
    size = 224
    detector = FaceDetector(imgsz=320)
    for crop in found:
        canvas = cv2.copyMakeBorder(crop, *(size // 2,) * 4, cv2.BORDER_REPLICATE)
        (again,) = detector(canvas).largest().landmarks - size // 2
        np.testing.assert_allclose(again, RECOGNITION_TEMPLATE * (size / TEMPLATE_SIDE), atol=0.12 * size)
