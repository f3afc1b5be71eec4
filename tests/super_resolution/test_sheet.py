from __future__ import annotations

import cv2
import numpy as np
from face_files import smooth_image

from ultra_face.super_resolution.degrade import enlarge, reduce
from ultra_face.super_resolution.sheet import comparison, draw_sheet, save_sheet


def test_columns():
    crops = [smooth_image((32, 32), seed) for seed in range(2)]
    columns = comparison(lambda image: 255 - enlarge(image, 4), crops, scale=4)
    assert list(columns) == ["low", "bicubic", "ours", "truth"]
    for index, antialias in enumerate((True, False)):
        low = reduce(crops[index], 4, antialias=antialias)
        np.testing.assert_array_equal(columns["low"][index][::4, ::4], low)
        np.testing.assert_array_equal(columns["bicubic"][index], enlarge(low, 4))
        np.testing.assert_array_equal(columns["ours"][index], 255 - enlarge(low, 4))
        np.testing.assert_array_equal(columns["truth"][index], crops[index])


def test_images_below_their_titles():
    colours = {"low": 10, "truth": 200}
    columns = {title: [np.full((16, 40, 3), colour, np.uint8)] * 3 for title, colour in colours.items()}
    sheet = draw_sheet(columns)
    # A title of 20 px, three images each with a gap of 4 px; two columns with a gap of 4 px between them.
    assert sheet.shape == (20 + 3 * (16 + 4), 40 + 4 + 40, 3)
    for row in range(3):
        top = 20 + row * 20
        assert (sheet[top : top + 16, :40] == 10).all()
        assert (sheet[top : top + 16, 44:] == 200).all()
    assert sheet[:20, :40].min() < 100  # something is written


def test_saved_in_its_colours(tmp_path):
    red = np.tile(np.array([250, 10, 20], np.uint8), (16, 16, 1))
    save_sheet(tmp_path / "sheets" / "a.png", {"truth": [red]})
    saved = cv2.cvtColor(cv2.imread(str(tmp_path / "sheets" / "a.png")), cv2.COLOR_BGR2RGB)
    np.testing.assert_array_equal(saved, draw_sheet({"truth": [red]}))
