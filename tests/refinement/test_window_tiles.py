"""Windows are cut out pixel by pixel, as slicing does.

Windows in a photograph's own pixels: the places that the letterbox gave them.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor
from ultralytics.data.augment import LetterBox

from ultra_face.refinement.tiles import (
    GREY,
    cut_photograph,
    cut_windows,
    photographs_shown,
    pixels_per_input_pixel,
    shown,
)

SIZES = [(40, 56), (56, 40), (33, 70), (641, 479)]


def noise(batch: int, height: int, width: int, channels: int = 3) -> Tensor:
    """Images of 8 bits, 0..1."""
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (batch, channels, height, width), generator=generator) / 255


def sliced(images: Tensor, left_top: Tensor, side: int) -> Tensor:
    """The same by slicing an image with a grey margin: (B x K, C, side, side)."""
    margin = torch.nn.functional.pad(images, (side,) * 4, value=GREY)
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
    assert (cut - GREY).abs().min() < 1e-6


def test_a_window_of_the_images_size_is_the_image() -> None:
    images = noise(3, 64, 64)
    torch.testing.assert_close(cut_windows(images, torch.zeros(3, 1, 2), side=64), images, rtol=0, atol=1e-6)


def test_an_image_smaller_than_a_window() -> None:
    image = noise(1, 20, 30)
    cut = cut_windows(image, torch.zeros(1, 1, 2), side=64)
    torch.testing.assert_close(cut[..., :20, :30], image, rtol=0, atol=1e-6)
    grey = cut.clone()
    grey[..., :20, :30] = GREY
    torch.testing.assert_close(grey, torch.full_like(cut, GREY))


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


def noise_of_photographs(height: int, width: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def rgb(pixels: NDArray[np.uint8]) -> Tensor:
    """(H, W, 3) BGR of 8 bits -> (3, H, W), 0..1."""
    return torch.from_numpy(np.ascontiguousarray(pixels[..., ::-1].transpose(2, 0, 1))).float() / 255


@pytest.mark.parametrize("factor", [2, 4])
def test_tiles_of_the_photographs_own_size_are_slices(factor: int) -> None:
    photograph = noise_of_photographs(80 * factor, 120 * factor)
    corners = [[0, 0], [88, 48], [17, 33]]
    tiles = cut_photograph(photograph, torch.tensor(corners), side=32, tile=32 * factor, image_hw=(80, 120))
    for tile, (x, y) in zip(tiles, corners, strict=True):
        whole = photograph[y * factor : (y + 32) * factor, x * factor : (x + 32) * factor]
        torch.testing.assert_close(tile, rgb(whole))


def test_beyond_the_photograph_lies_grey() -> None:
    # 100 x 50 px of input in the middle of 100 x 80: 15 px of letterbox above.
    photograph = noise_of_photographs(100, 200)
    (tile,) = cut_photograph(photograph, torch.tensor([[0, 0]]), side=32, tile=64, image_hw=(80, 100))
    torch.testing.assert_close(tile[:, :30], torch.full((3, 30, 64), GREY))
    torch.testing.assert_close(tile[:, 30:], rgb(photograph[:34, :64]))


def test_a_photograph_reduced_to_the_tile_and_an_enlarged_one() -> None:
    smooth = cv2.GaussianBlur(noise_of_photographs(400, 400), (0, 0), 12)
    corner = torch.tensor([[10, 20]])
    reduced = cut_photograph(smooth, corner, side=32, tile=64, image_hw=(100, 100))[0]  # of 128 px
    torch.testing.assert_close(reduced, rgb(cv2.resize(smooth[80:208, 40:168], (64, 64))), rtol=0, atol=0.02)
    enlarged = cut_photograph(smooth, corner, side=32, tile=128, image_hw=(200, 200))[0]  # of 64 px
    expected = rgb(cv2.resize(smooth[40:104, 20:84], (128, 128), interpolation=cv2.INTER_CUBIC))
    torch.testing.assert_close(enlarged[:, 4:-4, 4:-4], expected[:, 4:-4, 4:-4], rtol=0, atol=0.02)


@pytest.mark.parametrize(("height", "width"), [(300, 500), (501, 333), (217, 640), (640, 640)])
@pytest.mark.parametrize("auto", [True, False], ids=["rectangle", "square"])
def test_spots_are_where_the_letterbox_put_them(height: int, width: int, auto: bool) -> None:
    photograph = np.zeros((height, width, 3), np.uint8)
    cv2.circle(photograph, (width // 3, height // 2), 6, (255, 255, 255), -1)
    boxed = LetterBox((160, 160), auto=auto, stride=32)(image=photograph)
    spot = (boxed[..., 0] == boxed[..., 0].max()).nonzero()
    center_x, center_y = float(spot[1].mean()), float(spot[0].mean())
    corner = torch.tensor([[round(center_x) - 16, round(center_y) - 16]])
    (tile,) = cut_photograph(photograph, corner, side=32, tile=128, image_hw=boxed.shape[:2])
    rows, columns = (tile[0] > 0.9).nonzero().unbind(1)
    # To within half an input pixel: the letterbox reduces to whole pixels.
    assert float(corner[0, 0] + (columns.float().mean() + 0.5) / 4) == pytest.approx(center_x + 0.5, abs=0.5)
    assert float(corner[0, 1] + (rows.float().mean() + 0.5) / 4) == pytest.approx(center_y + 0.5, abs=0.5)


@pytest.mark.parametrize(
    ("photograph", "image", "expected"),
    [((480, 640), (240, 320), 2.0), ((480, 640), (320, 320), 2.0), ((100, 900), (32, 300), 3.125)],
)
def test_the_side_that_fills_the_input_tells_the_ratio(
    photograph: tuple[int, int], image: tuple[int, int], expected: float
) -> None:
    assert pixels_per_input_pixel(photograph, image) == pytest.approx(expected)


def test_photographs_are_shown_within_the_block_and_within_one_thread() -> None:
    outer, inner = [noise_of_photographs(8, 8)], [noise_of_photographs(9, 9)]
    with ThreadPoolExecutor(1) as other, shown(outer):
        assert photographs_shown() is outer
        assert other.submit(photographs_shown).result() == ()
        with shown(inner):
            assert photographs_shown() is inner
        assert photographs_shown() is outer
    assert photographs_shown() == ()


def test_photographs_are_gone_when_the_pass_fails() -> None:
    with pytest.raises(ValueError, match="of the pass"), shown([noise_of_photographs(8, 8)]):
        raise ValueError("of the pass")
    assert photographs_shown() == ()
