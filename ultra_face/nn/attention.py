"""Channel attention, shared by MSPAM and CBAM. Source: Woo et al. 2018, equation 2."""

from __future__ import annotations

import torch
from torch import Tensor, nn

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
        """sigmoid(MLP(avg) + MLP(max))."""
        logits: Tensor = self.mlp(x.mean((2, 3), keepdim=True)) + self.mlp(x.amax((2, 3), keepdim=True))
        return logits.sigmoid()


def pool_channels(x: Tensor) -> Tensor:
    """Average and maximum over the channels: x (B, C, H, W) -> (B, 2, H, W)."""
    return torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], dim=1)
