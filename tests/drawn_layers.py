"""Layers whose norms look trained, what goes in, and what a poured MC4f makes of its donor's output."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import silu

from training.pouring import EXIT_GAIN, EXIT_SHIFT

SMALL = {"rtol": 1e-3, "atol": 1e-4}  # float32 through up to ten layers


def drawn(layer: Any, seed: int = 0) -> Any:
    """A layer in evaluation whose norms look trained: no mean is 0 and no deviation 1."""
    generator = torch.Generator().manual_seed(seed)
    for module in layer.modules():
        if isinstance(module, nn.BatchNorm2d):
            for values, low, high in (
                (module.weight.data, 0.5, 2),
                (module.bias.data, -1, 1),
                (module.running_mean, -1, 1),
                (module.running_var, 0.2, 2),
            ):
                values.uniform_(low, high, generator=generator)
    return layer.eval()


def noise(batch: int, channels: int, side: int = 12, seed: int = 0) -> Tensor:
    return torch.randn(batch, channels, side, side, generator=torch.Generator().manual_seed(seed))


def leaving_mc4f(z: Tensor) -> Tensor:
    """What the last layer of MC4f makes of the donor's output."""
    return silu(EXIT_GAIN * z + EXIT_SHIFT)
