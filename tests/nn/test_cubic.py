"""Bicubic enlargement against PyTorch's own."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import interpolate

from ultra_face.nn.cubic import CubicEnlargement, cubic_weights, keys_kernel


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
@pytest.mark.parametrize("size", [(1, 1), (2, 5), (13, 17)], ids=lambda size: "x".join(map(str, size)))
def test_equals_interpolation(scale: int, size: tuple[int, int]) -> None:
    x = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(0))
    expected = interpolate(x, scale_factor=scale, mode="bicubic", align_corners=False)
    torch.testing.assert_close(CubicEnlargement(scale)(x), expected, rtol=0, atol=2e-6)


def test_kernel_of_keys() -> None:
    # w(0) = 1 and w(1) = w(2) = 0 make it interpolate; at 1/2: (1.25 / 2 - 2.25) / 4 + 1 and -0.75 (1/2 - 1/4) / 2.
    distances = torch.tensor([0.0, 0.5, 1.0, 1.5, 2.0, 3.0], dtype=torch.float64)
    expected = torch.tensor([1.0, 0.59375, 0.0, -0.09375, 0.0, 0.0], dtype=torch.float64)
    torch.testing.assert_close(keys_kernel(distances), expected)
    torch.testing.assert_close(keys_kernel(-distances), expected)


def test_weights_of_every_pixel_sum_to_one() -> None:
    torch.testing.assert_close(cubic_weights(4).sum(dim=(1, 2)), torch.ones(16))


def test_full_precision_within_autocast() -> None:
    layer, x = CubicEnlargement(2), torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    expected = layer(x)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(layer(x), expected, rtol=0, atol=0)


def test_weights_stay_out_of_the_state() -> None:
    assert CubicEnlargement(4).state_dict() == {}
