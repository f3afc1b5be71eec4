from __future__ import annotations

import importlib
import math
import sys

import numpy as np
import pytest
from face_files import smooth_image

from ultra_face.super_resolution.quality import Quality, mean_quality, quality


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
    monkeypatch.delitem(sys.modules, "ultra_face.super_resolution.quality")
    with pytest.raises(ModuleNotFoundError, match=r"expected scikit-image, .*; pip install 'ultra-face\[sr\]'"):
        importlib.import_module("ultra_face.super_resolution.quality")


def test_in_words():
    assert str(Quality(25.178, 0.77)) == "25.18 dB, SSIM 0.7700"
