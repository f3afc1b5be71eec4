"""Windows cut out of the network's input, as tensor code that exports, or out of the photograph it was made from.

The photograph is not in SR-YOLOv5: where it shows more than the input, pixels that were taken are better than pixels
that were guessed. Only `predict` knows the photographs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

import cv2
import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  (the field's name for it)
from numpy.typing import NDArray
from torch import Tensor

from ultra_face.formats.image_files import LETTERBOX_GREY

GREY = LETTERBOX_GREY / 255

_SHOWN: ContextVar[Sequence[NDArray[np.uint8]]] = ContextVar("photographs of the pass that runs", default=())

LARGER = 1.5
"""Photograph pixels an input pixel, in each direction, from which the photograph is worth cutting."""


def cut_windows(images: Tensor, left_top: Tensor, *, side: int) -> Tensor:
    """Copy windows pixel by pixel; what lies beyond the image is grey.

    Args:
        images: (B, C, H, W), 0..1.
        left_top: corners (B, K, 2) [px], whole numbers.
        side: of a window [px].

    Returns:
        (B x K, C, side, side), the windows of the first image first.
    """
    batch, channels, height, width = images.shape
    count = left_top.shape[1]
    steps = torch.arange(side, device=images.device, dtype=torch.float32) + 0.5
    corner = left_top.float().flatten(0, 1)
    # The corners of the image are -1 and 1: pixel i of n has its middle at (2 i + 1) / n - 1.
    x = (corner[:, :1] + steps) * 2 / width - 1
    y = (corner[:, 1:] + steps) * 2 / height - 1
    grid = torch.stack([x.unsqueeze(1).expand(-1, side, -1), y.unsqueeze(2).expand(-1, -1, side)], dim=3)
    grid = grid.view(batch, count * side, side, 2)
    # Places of pixels need single precision, and so do the images then.
    cut = F.grid_sample(images.float() - GREY, grid, mode="nearest", align_corners=False) + GREY
    return cut.to(images.dtype).view(batch, channels, count, side, side).transpose(1, 2).flatten(0, 1)


@contextmanager
def shown(photographs: Sequence[NDArray[np.uint8]]) -> Iterator[None]:
    """Let passes within this block, in this thread, look into what their images were made from, (H, W, 3) BGR each."""
    token = _SHOWN.set(photographs)
    try:
        yield
    finally:
        _SHOWN.reset(token)


def photographs_shown() -> Sequence[NDArray[np.uint8]]:
    """The photographs of the pass that runs; none where nobody knows them."""
    return _SHOWN.get()


def pixels_per_input_pixel(photograph_hw: tuple[int, int], image_hw: tuple[int, int]) -> float:
    """By how much the letterbox reduced a photograph (height, width) [px] to the input (height, width) [px]."""
    return max(photograph_hw[0] / image_hw[0], photograph_hw[1] / image_hw[1])


def cut_photograph(
    photograph: NDArray[np.uint8], left_top: Tensor, *, side: int, tile: int, image_hw: tuple[int, int]
) -> Tensor:
    """Show windows of the input in the photograph's own pixels.

    Args:
        photograph: (H, W, 3) BGR, of any size.
        left_top: corners of the windows (K, 2) [input px].
        side: of a window [input px].
        tile: side of what is returned [px].
        image_hw: height and width of the input, into whose middle the letterbox put the photograph [px].

    Returns:
        (K, 3, tile, tile) RGB, 0..1; grey beyond the photograph.
    """
    height, width = photograph.shape[:2]
    ratio = pixels_per_input_pixel((height, width), image_hw)
    # As Ultralytics' LetterBox: whole pixels, and the odd one goes below and to the right.
    left = round((image_hw[1] - round(width / ratio)) / 2 - 0.1)
    top = round((image_hw[0] - round(height / ratio)) / 2 - 0.1)
    step = side * ratio / tile  # photograph pixels a tile pixel
    tiles = []
    for x, y in left_top.tolist():
        # Pixel i of the tile has its middle at i + 0.5, in the photograph as well.
        start_x, start_y = ((corner * ratio + 0.5 * step - 0.5) for corner in (x - left, y - top))
        tiles.append(
            cv2.warpAffine(
                photograph,
                np.array([[step, 0, start_x], [0, step, start_y]]),
                (tile, tile),
                flags=cv2.WARP_INVERSE_MAP | (cv2.INTER_LINEAR if step >= 1 else cv2.INTER_CUBIC),
                borderMode=cv2.BORDER_CONSTANT,
                borderValue=(LETTERBOX_GREY,) * 3,
            )
        )
    rgb = np.stack(tiles)[..., ::-1].transpose(0, 3, 1, 2)
    return torch.from_numpy(np.ascontiguousarray(rgb)).float() / 255
