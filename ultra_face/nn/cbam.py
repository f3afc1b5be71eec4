"""CBAM: channel, then spatial attention. Source: Woo et al. 2018; the comparison row of YOLOv5n-AESVC, Table 2.

Ultralytics' own CBAM pools the average alone and cannot change the width; this is the published form, preceded by the
1 x 1 CBS that MSPAM has in the same place. MSPAM shares the channel attention.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from ultralytics.nn.modules.conv import Conv

REDUCTION = 16


class ChannelAttention(nn.Module):
    """Weights from average- and max-pooled channels through one shared MLP: x (B, C, H, W) -> weights (B, C, 1, 1)."""

    def __init__(self, c: int, reduction: int = REDUCTION) -> None:
        super().__init__()
        hidden = max(c // reduction, 1)
        self.mlp = nn.Sequential(
            nn.Conv2d(c, hidden, 1, bias=False), nn.ReLU(inplace=True), nn.Conv2d(hidden, c, 1, bias=False)
        )

    def forward(self, x: Tensor) -> Tensor:
        """sigmoid(MLP(avg) + MLP(max)), both in one call: OpenCV 5 loses the weights of a convolution used twice."""
        pooled = torch.cat([x.mean((2, 3), keepdim=True), x.amax((2, 3), keepdim=True)], dim=2)
        logits: Tensor = self.mlp(pooled).sum(2, keepdim=True)
        return logits.sigmoid()


def pool_channels(x: Tensor) -> Tensor:
    """Average and maximum over the channels: x (B, C, H, W) -> (B, 2, H, W)."""
    return torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], dim=1)


class CBAM(nn.Module):
    """1 x 1 CBS, channel attention, spatial attention, in series: (B, c1, H, W) -> (B, c2, H, W).

    Args:
        c1: input channels.
        c2: output channels.
        k: kernel size of the spatial attention.
    """

    def __init__(self, c1: int, c2: int, k: int = 7) -> None:
        super().__init__()
        self.cbs = Conv(c1, c2, 1)
        self.channel = ChannelAttention(c2)
        self.spatial = nn.Conv2d(2, 1, k, padding=k // 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Weigh by channel first, by position second."""
        x = self.cbs(x)
        x = x * self.channel(x)
        y: Tensor = x * self.spatial(pool_channels(x)).sigmoid()
        return y
