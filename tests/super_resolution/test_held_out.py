from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from face_files import smooth_image

from ultra_face.nn.cubic import CubicEnlargement
from ultra_face.super_resolution.degrade import enlarge, reduce
from ultra_face.super_resolution.held_out import by_network, draw_face_crops, measure, measure_all
from ultra_face.super_resolution.quality import quality


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
