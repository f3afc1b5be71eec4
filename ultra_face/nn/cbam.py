"""CBAM: channel, then spatial attention. Source: Woo et al. 2018; the comparison row of YOLOv5n-AESVC, Table 2.

Ultralytics' own CBAM pools the average alone and cannot change the width; this is the published form, preceded by the
1 x 1 CBS that MSPAM has in the same place.
"""

from __future__ import annotations

from torch import Tensor, nn
from ultralytics.nn.modules.conv import Conv

from ultra_face.nn.attention import ChannelAttention, pool_channels


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
