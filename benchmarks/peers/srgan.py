"""The x4 generator of leftthomas/SRGAN with five residual blocks, to read its published weights for comparison.

Known from the names and shapes in its state dictionary. RGB 0..1 in and out.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

WIDTH, KERNEL = 64, 9


class Residual(nn.Module):
    """Two normalised convolutions added to the input."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = (nn.Conv2d(WIDTH, WIDTH, 3, padding=1) for _ in range(2))
        self.bn1, self.bn2 = (nn.BatchNorm2d(WIDTH) for _ in range(2))
        self.prelu = nn.PReLU()

    def forward(self, x: Tensor) -> Tensor:
        """(B, 64, H, W) -> same."""
        return x + self.bn2(self.conv2(self.prelu(self.bn1(self.conv1(x)))))


class Doubling(nn.Module):
    """Convolution, pixel shuffle, PReLU: (B, 64, H, W) -> (B, 64, 2H, 2W)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(WIDTH, 4 * WIDTH, 3, padding=1)
        self.prelu = nn.PReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Double height and width."""
        return self.prelu(nn.functional.pixel_shuffle(self.conv(x), 2))


class Peer(nn.Module):
    """RGB 0..1 (B, 3, H, W) -> RGB 0..1 (B, 3, 4H, 4W)."""

    def __init__(self) -> None:
        super().__init__()
        self.block1 = nn.Sequential(nn.Conv2d(3, WIDTH, KERNEL, padding=KERNEL // 2), nn.PReLU())
        self.block2, self.block3, self.block4, self.block5, self.block6 = (Residual() for _ in range(5))
        self.block7 = nn.Sequential(nn.Conv2d(WIDTH, WIDTH, 3, padding=1), nn.PReLU())
        self.block8 = nn.Sequential(Doubling(), Doubling(), nn.Conv2d(WIDTH, 3, KERNEL, padding=KERNEL // 2))

    def forward(self, x: Tensor) -> Tensor:
        """Trunk with a long skip, enlargement, tanh moved to 0..1."""
        entry = y = self.block1(x)
        for block in (self.block2, self.block3, self.block4, self.block5, self.block6, self.block7):
            y = block(y)
        return (self.block8(entry + y).tanh() + 1) / 2


def load_peer(path: Path) -> Peer:
    """The peer with the weights of a file, in evaluation."""
    peer = Peer()
    peer.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return peer.eval()
