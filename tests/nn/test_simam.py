"""SimAM against arithmetic by hand."""

from __future__ import annotations

import math

import pytest
import torch

from ultra_face.nn.simam import SimAM, simam


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def test_two_by_two_map_by_hand() -> None:
    x = torch.tensor([[[[1.0, 2.0], [3.0, 6.0]]]])
    # Mean (1 + 2 + 3 + 6) / 4 = 3; squared distances 4, 1, 0, 9; variance over 3 neighbours 14 / 3, so that
    # d^2 / (4 x 14 / 3) = 3 d^2 / 56; then 1/2 is added.
    weights = [sigmoid(3 * 4 / 56 + 0.5), sigmoid(3 * 1 / 56 + 0.5), sigmoid(0.5), sigmoid(3 * 9 / 56 + 0.5)]
    expected = torch.tensor([[[[1 * weights[0], 2 * weights[1]], [3 * weights[2], 6 * weights[3]]]]])
    torch.testing.assert_close(simam(x, regularisation=0.0), expected)


def test_regularisation_is_added_to_the_variance() -> None:
    x = torch.tensor([[[[-1.0, 1.0]]]])
    # Mean 0, squared distances 1, variance over 1 neighbour 2; with 3 added: 1 / (4 x 5) + 1/2.
    torch.testing.assert_close(SimAM(3.0)(x), x * sigmoid(1 / 20 + 0.5))


@pytest.mark.parametrize("size", [(1, 1), (3, 5)], ids=["one position", "flat map"])
def test_nothing_stands_out(size: tuple[int, int]) -> None:
    x = torch.full((2, 3, *size), 7.0)
    torch.testing.assert_close(simam(x), x * sigmoid(0.5))


def test_channels_and_images_are_weighed_on_their_own() -> None:
    x = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    alone = torch.stack([torch.stack([simam(c[None, None])[0, 0] for c in image]) for image in x])
    torch.testing.assert_close(simam(x), alone)


def test_no_parameters() -> None:
    assert list(SimAM().parameters()) == []


def test_half_precision_keeps_the_attention() -> None:
    # The squares of 6,400 values around 10 sum to 640,000, ten times the largest number of half precision.
    x = 10 * torch.randn(1, 2, 80, 80, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(simam(x.half()).float(), simam(x), rtol=2e-3, atol=2e-3)
