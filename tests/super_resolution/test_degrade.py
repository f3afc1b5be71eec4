from __future__ import annotations

import numpy as np
import pytest
import torch
from face_files import smooth_image
from torch.nn.functional import interpolate

from ultra_face.super_resolution.degrade import Degradation, add_noise, blur, compress, degrade, enlarge, reduce

ALWAYS = {"antialias": 1.0, "blur": 0.0, "noise": 0.0, "jpeg": 0.0}


def noise_image(size=(48, 64)):
    return np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)


def by_torch(image, **settings):
    tensor = torch.from_numpy(image).permute(2, 0, 1)[None].float()
    return interpolate(tensor, mode="bicubic", **settings)[0].permute(1, 2, 0).clamp(0, 255).numpy()


@pytest.mark.parametrize("antialias", [True, False])
@pytest.mark.parametrize("scale", [2, 4])
def test_reductions_are_those_of_torch(scale, antialias):
    image = noise_image()
    expected = by_torch(image, scale_factor=1 / scale, antialias=antialias)
    # Fixed-point weights of 8 to 11 bits and two roundings.
    np.testing.assert_allclose(reduce(image, scale, antialias=antialias), expected, atol=2)


def test_enlargement_is_that_of_torch():
    image = noise_image((9, 11))
    np.testing.assert_allclose(enlarge(image, 4), by_torch(image, scale_factor=4), atol=2)


def test_fine_stripes_alias_unless_antialiased():
    """Columns 255 0 0 255: the 4 pixels about the middle weigh -3/32, 19/32, 19/32, -3/32, below 0 in all."""
    stripes = np.tile(np.array([255, 0, 0, 255], np.uint8)[:, None], (32, 8, 3))
    assert not reduce(stripes, 4, antialias=False).any()
    inner = reduce(stripes, 4, antialias=True)[:, 2:-2]
    np.testing.assert_allclose(inner, 127.5, atol=8)


@pytest.mark.parametrize("antialias", [True, False])
def test_an_indivisible_side_loses_its_rest(antialias):
    image = noise_image((15, 18))
    reduced = reduce(image, 4, antialias=antialias)
    assert reduced.shape == (3, 4, 3)
    np.testing.assert_array_equal(reduced, reduce(image[:12, :16], 4, antialias=antialias))


def test_blur_spreads_a_line_by_sigma():
    line = np.zeros((41, 41, 3), np.uint8)
    line[:, 20] = 255
    spread = blur(line, sigma=1.5)[20, :, 0].astype(float)
    variance = (spread * (np.arange(41) - 20) ** 2).sum() / spread.sum()
    assert variance == pytest.approx(1.5**2, rel=0.1)


def test_noise_has_its_deviation():
    grey = np.full((100, 100, 3), 128, np.uint8)
    noise = add_noise(grey, 5.0, np.random.default_rng(0)).astype(float) - 128
    # Rounding adds a variance of 1/12; of 30,000 values the deviation is known to 0.4 %.
    assert noise.std() == pytest.approx(np.sqrt(5.0**2 + 1 / 12), rel=0.015)
    assert noise.mean() == pytest.approx(0, abs=0.1)


def test_noise_stays_in_range():
    white = np.full((20, 20, 3), 255, np.uint8)
    assert add_noise(white, 5.0, np.random.default_rng(0)).min() > 200


def test_compression_costs_more_at_lower_quality():
    image = smooth_image()
    errors = [np.abs(compress(image, quality=quality).astype(int) - image).mean() for quality in (95, 60, 10)]
    assert errors == sorted(errors)
    assert errors[0] < 3 < errors[2]


def test_red_stays_red():
    red = np.tile(np.array([250, 10, 10], np.uint8), (16, 16, 1))
    for image in (compress(red, quality=95), reduce(red, 2, antialias=True), enlarge(red, 2)):
        np.testing.assert_allclose(image, np.broadcast_to(red[0, 0], image.shape), atol=6)


@pytest.mark.parametrize("antialias", [True, False])
def test_plain_is_the_reduction_alone(antialias):
    image, rng = noise_image(), np.random.default_rng(0)
    for _ in range(5):
        low = degrade(image, 4, Degradation.plain(antialias=antialias), rng)
        np.testing.assert_array_equal(low, reduce(image, 4, antialias=antialias))


def test_steps_in_their_order():
    image, rng = noise_image(), np.random.default_rng(0)
    settings = Degradation(**ALWAYS | {"blur": 1.0, "jpeg": 1.0}, blur_sigma=(0.5, 0.5), jpeg_quality=(50, 50))
    # Sigma counts pixels of the reduced image: 4 x 0.5 px of the sharp one.
    expected = compress(reduce(blur(image, sigma=2.0), 4, antialias=True), quality=50)
    np.testing.assert_array_equal(degrade(image, 4, settings, rng), expected)
    noisy = degrade(image, 4, Degradation(**ALWAYS | {"noise": 1.0}, noise_sigma=(3, 3)), rng)
    difference = noisy.astype(float) - reduce(image, 4, antialias=True)
    assert difference.std() == pytest.approx(3, rel=0.15)


def test_shares_of_both_reductions():
    image, rng = noise_image((16, 16)), np.random.default_rng(0)
    settings = Degradation(**ALWAYS | {"antialias": 0.25})
    antialiased = reduce(image, 4, antialias=True)
    count = sum(np.array_equal(degrade(image, 4, settings, rng), antialiased) for _ in range(400))
    # Binomial: 100 with a deviation of sqrt(400 x 1/4 x 3/4) = 8.7.
    assert abs(count - 100) < 4 * 8.7


def test_same_seed_same_image():
    settings = Degradation(blur=0.5, noise=0.5, jpeg=0.5)
    first, second = (
        [degrade(noise_image(), 4, settings, rng) for _ in range(5)] for rng in map(np.random.default_rng, (3, 3))
    )
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("name", ["antialias", "blur", "noise", "jpeg"])
@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_shares_are_checked(name, share):
    with pytest.raises(ValueError, match=f"Degradation: {name}: expected a share from 0 to 1, got {share}"):
        Degradation(**{name: share})


@pytest.mark.parametrize("name", ["blur_sigma", "noise_sigma", "jpeg_quality"])
@pytest.mark.parametrize("interval", [(2.0, 1.0), (0.0, 1.0), (1.0, float("inf"))])
def test_ranges_are_checked(name, interval):
    with pytest.raises(ValueError, match=f"Degradation: {name}: expected 0 < low <= high, got"):
        Degradation(**{name: interval})
