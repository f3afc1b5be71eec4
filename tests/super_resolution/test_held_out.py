from __future__ import annotations

import importlib
import math
import sys
from functools import partial

import cv2
import numpy as np
import pytest
from face_files import smooth_image

from ultra_face.nn.srgan import CubicEnlargement
from ultra_face.super_resolution.degrade import enlarge, reduce
from ultra_face.super_resolution.held_out import (
    Quality,
    by_network,
    comparison,
    draw_face_crops,
    draw_sheet,
    mean_quality,
    measure,
    measure_all,
    quality,
    save_sheet,
)


def test_psnr_of_a_constant_error():
    truth = np.full((16, 16, 3), 100, np.uint8)
    # 10 log10(255^2 / 16^2)
    assert quality(truth, truth + 16).psnr == pytest.approx(20 * math.log10(255 / 16))


def test_ssim_of_two_grey_images():
    """Without variance only the means count: (2ab + c) / (a^2 + b^2 + c) with c = (0.01 x 255)^2."""
    a, b, c = 100, 120, 2.55**2
    truth, estimate = (np.full((16, 16, 3), value, np.uint8) for value in (a, b))
    assert quality(truth, estimate).ssim == pytest.approx((2 * a * b + c) / (a**2 + b**2 + c))


def test_equal_images():
    assert quality(smooth_image(), smooth_image()) == Quality(math.inf, 1.0)


def test_mean():
    assert mean_quality([Quality(20.0, 0.5), Quality(30.0, 0.7)]) == Quality(25.0, pytest.approx(0.6))


def test_without_scikit_image(monkeypatch):
    monkeypatch.setitem(sys.modules, "skimage.metrics", None)
    monkeypatch.delitem(sys.modules, "ultra_face.super_resolution.held_out")
    with pytest.raises(ModuleNotFoundError, match=r"expected scikit-image, .*; pip install 'ultra-face\[sr\]'"):
        importlib.import_module("ultra_face.super_resolution.held_out")


def test_in_words():
    assert str(Quality(25.178, 0.77)) == "25.18 dB, SSIM 0.7700"


def test_crops_come_from_all_images(images, crops):
    drawn = draw_face_crops(images, crops, count=7, seed=0)
    assert [crop.shape for crop in drawn] == [(32, 32, 3)] * 7
    assert len({crop.tobytes() for crop in drawn}) == 7
    np.testing.assert_array_equal(drawn, draw_face_crops(images, crops, count=7, seed=0))
    assert not np.array_equal(drawn, draw_face_crops(images, crops, count=7, seed=1))


def test_mean_over_crops_that_were_only_reduced():
    crops = [smooth_image((48, 48), seed) for seed in range(3)]
    found = measure(lambda image: enlarge(image, 4), crops, scale=4, antialias=False)
    each = [quality(crop, enlarge(reduce(crop, 4, antialias=False), 4)) for crop in crops]
    assert found.psnr == pytest.approx(np.mean([quality.psnr for quality in each]))
    assert found.ssim == pytest.approx(np.mean([quality.ssim for quality in each]))


def test_measured_for_both_reductions():
    crops = [smooth_image((48, 48))]
    found = measure_all(partial(enlarge, scale=4), crops, scale=4)
    for name, antialias in {"antialiased": True, "not antialiased": False}.items():
        assert found[name] == quality(crops[0], enlarge(reduce(crops[0], 4, antialias=antialias), 4))


def test_a_network_as_enlargement():
    image = reduce(smooth_image((48, 40)), 4, antialias=True)
    network = CubicEnlargement(4).train()
    enlarged = by_network(network)(image)
    # OpenCV's weights are of 11 bits.
    np.testing.assert_allclose(enlarged.astype(int), enlarge(image, 4).astype(int), atol=1)
    assert not network.training


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
