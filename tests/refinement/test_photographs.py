"""Windows in a photograph's own pixels: the places that the letterbox gave them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor
from ultralytics.data.augment import LetterBox

from ultra_face.refinement.photographs import cut_photograph, photographs_shown, pixels_per_input_pixel, shown
from ultra_face.refinement.tiles import LETTERBOX_GREY


def noise(height: int, width: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def rgb(pixels: NDArray[np.uint8]) -> Tensor:
    """(H, W, 3) BGR of 8 bits -> (3, H, W), 0..1."""
    return torch.from_numpy(np.ascontiguousarray(pixels[..., ::-1].transpose(2, 0, 1))).float() / 255


@pytest.mark.parametrize("factor", [2, 4])
def test_tiles_of_the_photographs_own_size_are_slices(factor: int) -> None:
    photograph = noise(80 * factor, 120 * factor)
    corners = [[0, 0], [88, 48], [17, 33]]
    tiles = cut_photograph(photograph, torch.tensor(corners), side=32, tile=32 * factor, image_hw=(80, 120))
    for tile, (x, y) in zip(tiles, corners, strict=True):
        whole = photograph[y * factor : (y + 32) * factor, x * factor : (x + 32) * factor]
        torch.testing.assert_close(tile, rgb(whole))


def test_beyond_the_photograph_lies_grey() -> None:
    # 100 x 50 px of input in the middle of 100 x 80: 15 px of letterbox above.
    photograph = noise(100, 200)
    (tile,) = cut_photograph(photograph, torch.tensor([[0, 0]]), side=32, tile=64, image_hw=(80, 100))
    torch.testing.assert_close(tile[:, :30], torch.full((3, 30, 64), round(LETTERBOX_GREY * 255) / 255))
    torch.testing.assert_close(tile[:, 30:], rgb(photograph[:34, :64]))


def test_a_photograph_reduced_to_the_tile_and_an_enlarged_one() -> None:
    smooth = cv2.GaussianBlur(noise(400, 400), (0, 0), 12)
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
    outer, inner = [noise(8, 8)], [noise(9, 9)]
    with ThreadPoolExecutor(1) as other, shown(outer):
        assert photographs_shown() is outer
        assert other.submit(photographs_shown).result() == ()
        with shown(inner):
            assert photographs_shown() is inner
        assert photographs_shown() is outer
    assert photographs_shown() == ()


def test_photographs_are_gone_when_the_pass_fails() -> None:
    with pytest.raises(ValueError, match="of the pass"), shown([noise(8, 8)]):
        raise ValueError("of the pass")
    assert photographs_shown() == ()
