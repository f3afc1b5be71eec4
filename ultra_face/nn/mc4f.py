"""MC4f: multi-scale cross-stage fusion with four convolutions. Source: YOLOv5n-AESVC, section MC4f, figure 2.

Its convolutions are CGS: convolution, group normalisation (Wu and He 2018), SiLU.

Deviations: the paper names no group size; ours is 16 channels a group, at least one group. The figure leaves the widths
open; these give 2,371,447 parameters against the paper's 2.351 M.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

CHANNELS_PER_GROUP = 16


def group_norm(channels: int) -> nn.GroupNorm:
    """GroupNorm over `channels` with about 16 channels a group (the largest divisor of `channels` that allows it)."""
    groups = max(channels // CHANNELS_PER_GROUP, 1)
    while channels % groups:
        groups -= 1
    return nn.GroupNorm(groups, channels)


NORMS: dict[str, Callable[[int], nn.Module]] = {"group": group_norm, "batch": nn.BatchNorm2d}
"""`group` as in the paper; `batch`, which exports fold into the convolutions, shows what that costs and brings."""


class CGS(nn.Module):
    """Convolution without bias, norm, SiLU: x (B, c1, H, W) -> (B, c2, H / s, W / s).

    Args:
        c1: input channels.
        c2: output channels.
        k: kernel size, padded so that stride 1 keeps H and W.
        s: stride.
        norm: one of `NORMS`.

    Raises:
        ValueError: an unknown norm.
    """

    def __init__(self, c1: int, c2: int, k: int = 1, s: int = 1, norm: str = "group") -> None:
        super().__init__()
        if norm not in NORMS:
            raise ValueError(f"unknown norm {norm!r}; known are {', '.join(NORMS)}")
        self.conv = nn.Conv2d(c1, c2, k, s, padding=k // 2, bias=False)
        self.norm = NORMS[norm](c2)
        self.act = nn.SiLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """Apply convolution, norm and SiLU in this order."""
        y: Tensor = self.act(self.norm(self.conv(x)))
        return y


class CGSBottleneck(nn.Module):
    """Two 3 x 3 CGS with a shortcut: x (B, c, H, W) -> (B, c, H, W). The bottleneck of MC4f, figure 2."""

    def __init__(self, c: int, norm: str = "group") -> None:
        super().__init__()
        self.cv1 = CGS(c, c, 3, norm=norm)
        self.cv2 = CGS(c, c, 3, norm=norm)

    def forward(self, x: Tensor) -> Tensor:
        """Add the two convolutions to the input."""
        return torch.add(x, self.cv2(self.cv1(x)))


class MC4f(nn.Module):
    """Split, n bottlenecks in sequence, all outputs fused, convolved residual: (B, c1, H, W) -> (B, c2, H, W).

    Args:
        c1: input channels.
        c2: output channels, even.
        n: number of bottlenecks.
        norm: one of `NORMS`.

    Raises:
        ValueError: odd `c2`, or an unknown norm.
    """

    def __init__(self, c1: int, c2: int, n: int = 1, norm: str = "group") -> None:
        super().__init__()
        if c2 % 2:
            raise ValueError(f"MC4f: c2 must be even, got {c2}; choose a width whose half is a whole number")
        c = c2 // 2
        self.cv1 = CGS(c1, 2 * c, norm=norm)
        self.bottlenecks = nn.ModuleList(CGSBottleneck(c, norm) for _ in range(n))
        self.cv2 = CGS((2 + n) * c, c2, norm=norm)
        self.cv3 = CGS(c1, c2, norm=norm)
        self.cv4 = CGS(c2, c2, norm=norm)

    def forward(self, x: Tensor) -> Tensor:
        """cv4(cv2(all branches) + cv3(x))."""
        branches = list(self.cv1(x).chunk(2, dim=1))
        for bottleneck in self.bottlenecks:
            branches.append(bottleneck(branches[-1]))
        y: Tensor = self.cv4(self.cv2(torch.cat(branches, dim=1)) + self.cv3(x))
        return y
