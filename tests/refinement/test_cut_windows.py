"""Windows are cut out pixel by pixel, as slicing does."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from ultra_face.refinement.tiles import LETTERBOX_GREY, cut_windows

SIZES = [(40, 56), (56, 40), (33, 70), (641, 479)]


def noise(batch: int, height: int, width: int, channels: int = 3) -> Tensor:
    """Images of 8 bits, 0..1."""
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (batch, channels, height, width), generator=generator) / 255


def sliced(images: Tensor, left_top: Tensor, side: int) -> Tensor:
    """The same by slicing an image with a grey margin: (B x K, C, side, side)."""
    margin = torch.nn.functional.pad(images, (side,) * 4, value=LETTERBOX_GREY)
    tiles = []
    for image, corners in zip(margin, left_top.int().tolist(), strict=True):
        tiles += [image[:, y + side : y + 2 * side, x + side : x + 2 * side] for x, y in corners]
    return torch.stack(tiles)


def corners(batch: int, count: int, height: int, width: int) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return (torch.rand(batch, count, 2, generator=generator) * torch.tensor([width, height])).floor()


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_windows_are_slices(height: int, width: int) -> None:
    images, side = noise(2, height, width), 32
    inside = corners(2, 5, height - side + 1, width - side + 1)
    cut = cut_windows(images, inside, side=side)
    torch.testing.assert_close(cut, sliced(images, inside, side), rtol=0, atol=1e-6)


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_beyond_the_image_lies_grey(height: int, width: int) -> None:
    images, anywhere = noise(2, height, width), corners(2, 5, height, width)
    cut = cut_windows(images, anywhere, side=48)
    torch.testing.assert_close(cut, sliced(images, anywhere, 48), rtol=0, atol=1e-6)
    assert (cut - LETTERBOX_GREY).abs().min() < 1e-6


def test_a_window_of_the_images_size_is_the_image() -> None:
    images = noise(3, 64, 64)
    torch.testing.assert_close(cut_windows(images, torch.zeros(3, 1, 2), side=64), images, rtol=0, atol=1e-6)


def test_an_image_smaller_than_a_window() -> None:
    image = noise(1, 20, 30)
    cut = cut_windows(image, torch.zeros(1, 1, 2), side=64)
    torch.testing.assert_close(cut[..., :20, :30], image, rtol=0, atol=1e-6)
    grey = cut.clone()
    grey[..., :20, :30] = LETTERBOX_GREY
    torch.testing.assert_close(grey, torch.full_like(cut, LETTERBOX_GREY))


def test_the_windows_of_the_first_image_come_first() -> None:
    images = torch.stack([torch.full((3, 16, 16), level) for level in (0.1, 0.9)])
    cut = cut_windows(images, torch.zeros(2, 3, 2), side=16)
    torch.testing.assert_close(cut.mean((1, 2, 3)), torch.tensor([0.1, 0.1, 0.1, 0.9, 0.9, 0.9]))


def test_half_precision_copies_exactly() -> None:
    images, inside = noise(2, 300, 700).half(), corners(2, 4, 269, 669)
    cut = cut_windows(images, inside.half(), side=32)
    assert cut.dtype == torch.float16
    # Corners up to 700 px are whole numbers in half precision, which counts to 2048 by ones.
    assert torch.equal(cut, sliced(images, inside, 32))
