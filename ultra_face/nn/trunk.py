"""The blocks of trunks that Ultralytics does not have: of SR-YOLOv5, YOLO5Face and YOLOv7-tiny.

- StemBlock in place of Focus. Source: SR-YOLOv5, section 1.2.1; the block of YOLO5Face (Qi et al. 2022, figure 2).
- SPP357, SPP with smaller kernels. Source: SR-YOLOv5, section 1.2.1 (kernels 3, 5, 7 as in YOLO5Face).
- CBL: Conv - BatchNorm - LeakyReLU, the convolution of YOLOv7-tiny. Source: Wang et al. 2022, YOLOv7, appendix.
- Stages of ShuffleNetV2, the backbone of YOLO5Face n and n-0.5. Source: Ma et al. 2018, section 4 and figure 3 (c, d).
  Deviation: SiLU in place of ReLU, as YOLO5Face has it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from ultralytics.nn.modules.block import SPP
from ultralytics.nn.modules.conv import Conv

SPP_KERNELS = (3, 5, 7)


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


class SPP357(SPP):  # type: ignore[misc]
    """Ultralytics' spatial pyramid pooling with kernels 3, 5, 7 instead of 5, 9, 13: (B, c1, H, W) -> (B, c2, H, W)."""

    def __init__(self, c1: int, c2: int, k: tuple[int, ...] = SPP_KERNELS) -> None:
        super().__init__(c1, c2, k)


class CBL(Conv):  # type: ignore[misc]
    """Ultralytics' Conv with LeakyReLU, slope 0.1, in place of SiLU: (B, c1, H, W) -> (B, c2, H / s, W / s), ceil.

    A layer of its own, since `activation:` in a YAML changes every model that older Ultralytics builds afterwards.
    """

    default_act = nn.LeakyReLU(0.1)


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
