"""CGS: convolution, group normalisation, SiLU. Source: YOLOv5n-AESVC, section MC4f (after Wu & He 2018).

Deviation: the paper names no group size; ours is 16 channels a group, at least one group.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

CHANNELS_PER_GROUP = 16


def group_norm(channels: int) -> nn.GroupNorm:
    """GroupNorm over `channels` with about 16 channels a group (the largest divisor of `channels` that allows it)."""
    groups = max(channels // CHANNELS_PER_GROUP, 1)
    while channels % groups:
        groups -= 1
    return nn.GroupNorm(groups, channels)


class CGS(nn.Module):
    """Convolution without bias, norm, SiLU: x (B, c1, H, W) -> (B, c2, H / s, W / s).

    Args:
        c1: input channels.
        c2: output channels.
        k: kernel size, padded so that stride 1 keeps H and W.
        s: stride.
        norm: builds the norm from the channel count; `nn.BatchNorm2d` measures what GroupNorm costs and brings.
    """

    def __init__(self, c1: int, c2: int, k: int = 1, s: int = 1, *, norm: type[nn.Module] | None = None) -> None:
        super().__init__()
        self.conv = nn.Conv2d(c1, c2, k, s, padding=k // 2, bias=False)
        self.norm = group_norm(c2) if norm is None else norm(c2)
        self.act = nn.SiLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """Apply convolution, norm and SiLU in this order."""
        y: Tensor = self.act(self.norm(self.conv(x)))
        return y


class CGSBottleneck(nn.Module):
    """Two 3 x 3 CGS with a shortcut: x (B, c, H, W) -> (B, c, H, W). The bottleneck of MC4f, figure 2."""

    def __init__(self, c: int, *, norm: type[nn.Module] | None = None) -> None:
        super().__init__()
        self.cv1 = CGS(c, c, 3, norm=norm)
        self.cv2 = CGS(c, c, 3, norm=norm)

    def forward(self, x: Tensor) -> Tensor:
        """Add the two convolutions to the input."""
        return torch.add(x, self.cv2(self.cv1(x)))
