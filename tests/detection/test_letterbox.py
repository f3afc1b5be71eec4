"""The letterbox against Ultralytics' own, pixel by pixel, and its way back against their `scale_boxes`."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from ultralytics.data.augment import LetterBox
from ultralytics.utils import ops

from ultra_face.detection.letterbox import Letterbox

SIZES = [(480, 640), (640, 480), (1, 3000), (37, 641), (720, 1280), (1023, 769), (5, 5), (640, 640), (100, 333)]


@pytest.mark.parametrize("image_hw", SIZES, ids=str)
@pytest.mark.parametrize("size_hw", [(640, 640), (320, 320), (384, 640)], ids=str)
@pytest.mark.parametrize("stride", [None, 32, 64])
def test_the_pixels_are_those_of_ultralytics(
    image_hw: tuple[int, int], size_hw: tuple[int, int], stride: int | None
) -> None:
    image = np.random.default_rng(0).integers(0, 256, (*image_hw, 3), np.uint8)
    expected = LetterBox(size_hw, auto=stride is not None, stride=stride or 32)(image=image)
    letterbox = Letterbox.fit(image_hw, size_hw, stride=stride)
    assert letterbox.input_hw == expected.shape[:2]
    planes = np.full((3, *letterbox.input_hw), np.nan, np.float32)
    inner = image if letterbox.inner_hw == image_hw else cv2.resize(image, letterbox.inner_hw[::-1])
    letterbox.fill(planes, inner)
    np.testing.assert_array_equal(planes, expected[..., ::-1].transpose(2, 0, 1).astype(np.float32) / np.float32(255))


@pytest.mark.parametrize("image_hw", SIZES, ids=str)
def test_the_way_back_is_that_of_ultralytics(image_hw: tuple[int, int]) -> None:
    letterbox = Letterbox.fit(image_hw, (640, 640), stride=None)
    left, top = letterbox.left_top
    height, width = letterbox.inner_hw
    points = np.array([[left, top], [left + width, top + height], [left + 0.25 * width, top + 0.75 * height]])
    back = (np.column_stack([points, np.ones(3)]) @ letterbox.to_image.T)[:, :2]
    expected = ops.scale_boxes((640, 640), np.tile(points, 2), image_hw)[:, :2]
    np.testing.assert_allclose(back, expected, atol=1e-9)
    # The scaled image's corners are the image's.
    np.testing.assert_allclose(back[:2], [[0, 0], image_hw[::-1]], atol=1e-9)
