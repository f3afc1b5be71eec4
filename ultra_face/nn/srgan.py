"""SRGAN: generator and discriminator. Source: Ledig et al. 2017, figure 4; SR-YOLOv5, figure 1.

Deviations: the generator adds what it finds to the bicubic enlargement of its input and starts with nothing to add, so
that it learns the missing detail only and an untrained one is the interpolation; no tanh. A light form does without the
9 x 9 kernels and without layers at high resolution. The discriminator averages over positions before its dense layers,
so that it takes images of any size, and returns a logit.

Bicubic enlargement is a convolution here. Source: Keys 1981, with the coefficient -0.75 that PyTorch and OpenCV use. At
a whole factor the weights are the same for every pixel, so one depthwise 5 x 5 convolution and a pixel shuffle give
what `interpolate` gives. A convolution is quick in every runtime, which cannot be said of a cubic resize.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, pad, pixel_shuffle
from torch.nn.utils.fusion import fuse_conv_bn_eval

REACH = 2  # pixels to each side that a cubic takes in
RGB = 3


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


class Norm(nn.BatchNorm2d):
    """Batch norm under a name of its own: Ultralytics changes epsilon and momentum of each `BatchNorm2d` in a model."""


class ResidualBlock(nn.Module):
    """Convolution, norm, PReLU, convolution, norm, added to the input: (B, c, H, W) -> same."""

    def __init__(self, c: int) -> None:
        super().__init__()
        self.body = nn.Sequential(*_conv_norm(c), nn.PReLU(), *_conv_norm(c))

    def forward(self, x: Tensor) -> Tensor:
        """Add the two convolutions to the input."""
        return torch.add(x, self.body(x))


class Generator(nn.Module):
    """Enlarge images: RGB 0..1 (B, 3, H, W) -> RGB (B, 3, scale x H, scale x W).

    In evaluation the result is clamped to 0..1, in training it is not: a clamped pixel would teach nothing.

    Args:
        scale: 2, 4, 8, ...
        blocks: residual blocks.
        width: channels of the trunk.
        light: outer kernels of 3 instead of 9, and one step from the low resolution to the enlarged pixels (Shi et al.
            2016, ESPCN) instead of doubling the features log2(scale) times. What is left is the trunk.

    Raises:
        ValueError: scale is no power of two of at least 2, or blocks or width is not positive.
    """

    def __init__(self, scale: int = 4, blocks: int = 16, width: int = 64, *, light: bool = False) -> None:
        super().__init__()
        _check_generator(scale, blocks, width)
        self.scale, self.blocks, self.width, self.light = scale, blocks, width, light
        self.cubic = CubicEnlargement(scale, RGB)
        kernel = 3 if light else 9
        self.entry = nn.Sequential(nn.Conv2d(RGB, width, kernel, padding=kernel // 2), nn.PReLU())
        self.trunk = nn.Sequential(*(ResidualBlock(width) for _ in range(blocks)), *_conv_norm(width))
        if light:
            self.enlarge = nn.Sequential()
            self.exit = nn.Sequential(nn.Conv2d(width, RGB * scale**2, kernel, padding=1), nn.PixelShuffle(scale))
        else:
            steps = scale.bit_length() - 1
            self.enlarge = nn.Sequential(*(layer for _ in range(steps) for layer in _doubling(width)))
            self.exit = nn.Sequential(nn.Conv2d(width, RGB, kernel, padding=kernel // 2))
        nn.init.zeros_(self.exit[0].weight)  # type: ignore[arg-type]
        nn.init.zeros_(self.exit[0].bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        """Interpolation plus detail."""
        features = self.entry(x)
        features = features + self.trunk(features)
        detail = self.exit(self.enlarge(features))
        y: Tensor = self.cubic(x) + detail
        return y if self.training else y.clamp(0, 1)

    @property
    def architecture(self) -> dict[str, Any]:
        """The arguments that build a generator of the same shape."""
        return {name: getattr(self, name) for name in ("scale", "blocks", "width", "light")}

    @torch.no_grad()
    def fuse(self) -> Generator:
        """Fold each norm into the convolution before it, in place; for inference only, once and for all."""
        self.eval()
        for layers in [module for module in self.modules() if isinstance(module, nn.Sequential)]:
            for index, norm in enumerate(layers):
                if isinstance(norm, nn.BatchNorm2d):
                    layers[index - 1] = fuse_conv_bn_eval(layers[index - 1], norm)  # type: ignore[type-var]
                    layers[index] = nn.Identity()
        return self


class Discriminator(nn.Module):
    """Tell photographs from enlargements: RGB 0..1 (B, 3, H, W) -> logit (B,), high for photographs.

    Eight 3 x 3 convolutions of width, width, 2 width, ... 8 width channels, every second one halving the size.

    Args:
        width: channels of the first convolution.

    Raises:
        ValueError: width is not positive.
    """

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        _check_positive("Discriminator", width=width)
        self.width = width
        channels = [factor * width for factor in (1, 2, 4, 8)]
        layers: list[nn.Module] = [nn.Conv2d(RGB, width, 3, padding=1), _leaky()]
        for c1, c2 in zip([width, *channels[:-1]], channels, strict=True):
            if c2 > width:
                layers += [*_conv_norm(c1, c2), _leaky()]
            layers += [*_conv_norm(c2, stride=2), _leaky()]
        self.features = nn.Sequential(*layers)
        self.dense = nn.Sequential(nn.Linear(8 * width, 16 * width), _leaky(), nn.Linear(16 * width, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Convolutions, mean over positions, dense layers."""
        y: Tensor = self.dense(self.features(x).mean(dim=(2, 3)))
        return y.squeeze(1)


def _conv_norm(c1: int, c2: int | None = None, stride: int = 1) -> tuple[nn.Module, nn.Module]:
    """3 x 3 convolution and its norm."""
    c2 = c2 or c1
    return nn.Conv2d(c1, c2, 3, stride, padding=1, bias=False), Norm(c2)


def _doubling(c: int) -> tuple[nn.Module, ...]:
    """One step to twice the size: (B, c, H, W) -> (B, c, 2H, 2W)."""
    return nn.Conv2d(c, 4 * c, 3, padding=1), nn.PixelShuffle(2), nn.PReLU()


def _leaky() -> nn.Module:
    return nn.LeakyReLU(0.2, inplace=True)


def _check_generator(scale: int, blocks: int, width: int) -> None:
    if scale < 2 or scale & (scale - 1):
        raise ValueError(f"Generator: scale: expected a power of two of at least 2, got {scale}")
    _check_positive("Generator", blocks=blocks, width=width)


def _check_positive(where: str, **values: int) -> None:
    for name, value in values.items():
        if value < 1:
            raise ValueError(f"{where}: {name}: expected at least 1, got {value}")
