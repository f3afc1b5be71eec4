"""Bicubic enlargement as a convolution. Source: Keys 1981, with the coefficient -0.75 that PyTorch and OpenCV use.

At a whole factor the weights are the same for every pixel, so one depthwise 5 x 5 convolution and a pixel shuffle give
what `interpolate` gives. A convolution is quick in every runtime, which cannot be said of a cubic resize.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, pad, pixel_shuffle

REACH = 2  # pixels to each side that a cubic takes in


def keys_kernel(distance: Tensor, *, coefficient: float = -0.75) -> Tensor:
    """Weight of a pixel at this distance [px], same shape: cubic within 1, another within 2, then 0."""
    a, d = coefficient, distance.abs()
    near = ((a + 2) * d - (a + 3)) * d.square() + 1
    far = a * (((d - 5) * d + 8) * d - 4)
    return torch.where(d <= 1, near, torch.where(d < 2, far, 0.0))


def cubic_weights(scale: int) -> Tensor:
    """Kernels (scale^2, 5, 5) of the pixels that one pixel turns into, row by row."""
    taps = torch.arange(-REACH, REACH + 1, dtype=torch.float64)
    position = (torch.arange(scale, dtype=torch.float64) + 0.5) / scale - 0.5
    line = keys_kernel(taps - position[:, None])
    return torch.einsum("iy,jx->ijyx", line, line).flatten(0, 1).float()


class CubicEnlargement(nn.Module):
    """Enlarge by a whole factor without parameters: x (B, channels, H, W) -> (B, channels, scale x H, scale x W).

    Under autocast too it computes in the precision of its input: in bfloat16 a pixel has but 8 bits.
    """

    weights: Tensor

    def __init__(self, scale: int, channels: int = 3) -> None:
        super().__init__()
        self.scale, self.channels = scale, channels
        self.register_buffer("weights", cubic_weights(scale).repeat(channels, 1, 1)[:, None], persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Weigh the neighbours of each pixel; beyond the border lies its last pixel."""
        with torch.autocast(x.device.type, enabled=False):
            padded = pad(x, (REACH,) * 4, mode="replicate")
            return pixel_shuffle(conv2d(padded, self.weights, groups=self.channels), self.scale)
