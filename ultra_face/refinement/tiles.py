"""Cutting windows out of images, as tensor code that exports."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812  (the field's name for it)
from torch import Tensor

LETTERBOX_GREY = 114 / 255
"""With which Ultralytics fills what an image does not cover."""


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
    cut = F.grid_sample(images.float() - LETTERBOX_GREY, grid, mode="nearest", align_corners=False) + LETTERBOX_GREY
    return cut.to(images.dtype).view(batch, channels, count, side, side).transpose(1, 2).flatten(0, 1)
