"""StemBlock in place of Focus. Source: SR-YOLOv5, section 1.2.1; the block of YOLO5Face (Qi et al. 2022, figure 2)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from ultralytics.nn.modules.conv import Conv


class StemBlock(nn.Module):
    """Stride 4 from a convolved and a pooled path: (B, c1, H, W) -> (B, c2, ceil(H / 4), ceil(W / 4)).

    Args:
        c1: input channels.
        c2: output channels, even.
    """

    def __init__(self, c1: int, c2: int) -> None:
        super().__init__()
        self.entry = Conv(c1, c2, 3, 2)
        self.squeeze = Conv(c2, c2 // 2, 1)
        self.down = Conv(c2 // 2, c2, 3, 2)
        self.pool = nn.MaxPool2d(2, 2, ceil_mode=True)
        self.fuse = Conv(2 * c2, c2, 1)

    def forward(self, x: Tensor) -> Tensor:
        """fuse(down(squeeze(entry)), pool(entry))."""
        x = self.entry(x)
        y: Tensor = self.fuse(torch.cat([self.down(self.squeeze(x)), self.pool(x)], dim=1))
        return y
