"""Stages of ShuffleNetV2, the backbone of YOLO5Face n and n-0.5. Source: Ma et al. 2018, section 4 and figure 3 (c, d).

Deviation: SiLU in place of ReLU, as YOLO5Face (Qi et al. 2022) has it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from ultralytics.nn.modules.conv import Conv


def interleave(left: Tensor, right: Tensor) -> Tensor:
    """Channel shuffle of two groups: two (B, C, H, W) -> (B, 2 C, H, W) with the channels in turn."""
    return torch.stack([left, right], dim=2).flatten(1, 2)


class ShuffleUnit(nn.Module):
    """The basic unit: half of the channels pass, the other half is convolved. (B, c, H, W) -> (B, c, H, W).

    Args:
        c: channels, even.
    """

    def __init__(self, c: int) -> None:
        super().__init__()
        self.branch = _branch(c // 2, c // 2, stride=1)

    def forward(self, x: Tensor) -> Tensor:
        """interleave(first half, branch(second half))."""
        passed, convolved = x.chunk(2, dim=1)
        return interleave(passed, self.branch(convolved))


class ShuffleDown(nn.Module):
    """The unit for stride 2: both branches see all channels. (B, c1, H, W) -> (B, c2, ceil(H / 2), ceil(W / 2)).

    Args:
        c1: input channels.
        c2: output channels, even.
    """

    def __init__(self, c1: int, c2: int) -> None:
        super().__init__()
        self.shortcut = nn.Sequential(_depthwise(c1, stride=2), Conv(c1, c2 // 2, 1))
        self.branch = _branch(c1, c2 // 2, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """interleave(shortcut(x), branch(x))."""
        return interleave(self.shortcut(x), self.branch(x))


class ShuffleStage(nn.Sequential):
    """One stage of ShuffleNetV2: a unit of stride 2 and n - 1 basic ones. (B, c1, H, W) -> (B, c2, H / 2, W / 2), ceil.

    Args:
        c1: input channels.
        c2: output channels, even.
        n: number of units.
    """

    def __init__(self, c1: int, c2: int, n: int = 1) -> None:
        super().__init__(ShuffleDown(c1, c2), *(ShuffleUnit(c2) for _ in range(n - 1)))


def _branch(c1: int, c2: int, *, stride: int) -> nn.Sequential:
    """Point-wise, depth-wise without activation, point-wise; c2 channels inside and out."""
    return nn.Sequential(Conv(c1, c2, 1), _depthwise(c2, stride=stride), Conv(c2, c2, 1))


def _depthwise(c: int, *, stride: int) -> Conv:
    return Conv(c, c, 3, stride, g=c, act=False)
