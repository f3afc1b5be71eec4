"""MSPAM: multi-scale parallel attention. Source: YOLOv5n-AESVC, section MSPAM, equations 1 and 2, figures 4 and 5.

Deviation: the paper does not say how the two parallel results meet; ours weigh the features by the sum of both
attentions.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from ultralytics.nn.modules.conv import Conv

from ultra_face.nn.cbam import ChannelAttention, pool_channels

KERNELS = (3, 5, 7)


class MultiScaleSpatialAttention(nn.Module):
    """Equations 1 and 2: x (B, C, H, W) -> weights (B, 1, H, W)."""

    def __init__(self) -> None:
        super().__init__()
        self.paths = nn.ModuleList([nn.Conv2d(2, 2, 1, bias=False)])
        self.paths.extend(_depthwise_separable(2, k) for k in KERNELS)
        self.reduce = nn.Conv2d(2 * len(self.paths), 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """sigmoid(f1x1(concat(paths([avg; max]))))."""
        pooled = pool_channels(x)
        logits: Tensor = self.reduce(torch.cat([path(pooled) for path in self.paths], dim=1))
        return logits.sigmoid()


class MSPAM(nn.Module):
    """1 x 1 CBS, then channel and spatial attention in parallel on the same features.

    (B, c1, H, W) -> (B, c2, H, W), c2 scaled by the model's width.
    """

    def __init__(self, c1: int, c2: int) -> None:
        super().__init__()
        self.cbs = Conv(c1, c2, 1)
        self.channel = ChannelAttention(c2)
        self.spatial = MultiScaleSpatialAttention()

    def forward(self, x: Tensor) -> Tensor:
        """Features weighted by channel and by position."""
        x = self.cbs(x)
        y: Tensor = x * (self.channel(x) + self.spatial(x))
        return y


def _depthwise_separable(c: int, k: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(c, c, k, padding=k // 2, groups=c, bias=False), nn.Conv2d(c, c, 1, bias=False))
