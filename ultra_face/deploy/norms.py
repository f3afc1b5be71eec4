"""GroupNorm replaced by the BatchNorm that comes nearest, which exports fold into the convolution before it.

GroupNorm measures every image, so that no export can fold it. Yet over many photographs a channel that a trained
GroupNorm gives is nearly a linear function of the channel that it takes. The line of least squares,
y = cov(x, y) / var(x) (x - mean(x)) + mean(y) over all positions of all photographs, is a BatchNorm with the running
statistics of x.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from ultra_face.nn.mc4f import CGS, MC4f

LEAST_CORRELATION = 0.8
"""Of a block before and after, below which a model is refused."""

NORM = "batch"  # of the YAML rows
MOMENTUM, EPSILON = 0.03, 1e-3  # which Ultralytics gives the BatchNorms of its models


@dataclass(frozen=True)
class Fold:
    """How near a block comes with other norms.

    Attributes:
        name: of the block: its number in the YAML and its layer.
        correlation: of what it gives before and after, over all channels, each about its own mean; 1 is the same.
    """

    name: str
    correlation: float


class Moments:
    """First and second moments by channel of two signals (B, C, H, W), of as many images as come."""

    def __init__(self) -> None:
        self._count, self._sums = 0, torch.zeros(5, 1, dtype=torch.float64)

    def add(self, x: Tensor, y: Tensor) -> None:
        """Count another part of both signals, each (B, C, H, W)."""
        x, y = (signal.detach().transpose(0, 1).flatten(1) for signal in (x, y))  # (C, B H W)
        self._count += x.shape[1]
        terms = (x, y, x * x, y * y, x * y)
        self._sums = self._sums + torch.stack([term.sum(1, dtype=torch.float64) for term in terms])

    def means(self) -> tuple[Tensor, Tensor]:
        """Of x and y (C,)."""
        return self._sums[0] / self._count, self._sums[1] / self._count

    def variances(self) -> tuple[Tensor, Tensor]:
        """Of x and y (C,)."""
        x, y = self.means()
        squares = self._sums[2:4] / self._count
        return (squares[0] - x * x).clamp(min=0), (squares[1] - y * y).clamp(min=0)

    def covariance(self) -> Tensor:
        """Of x and y (C,)."""
        x, y = self.means()
        return self._sums[4] / self._count - x * y

    def correlation(self) -> float:
        """Over all channels, each about its own mean; 0 where a signal never changes."""
        x, y = (variances.sum() for variances in self.variances())
        return float(self.covariance().sum() / (x * y).sqrt()) if x > 0 and y > 0 else 0.0


def fold_norms(
    model: Any,
    photographs: Iterable[Tensor],
    *,
    progress: Callable[[Iterable[Tensor]], Iterable[Tensor]] = iter,
) -> tuple[Any, list[Fold]]:
    """A copy of a model whose CGS and MC4f have BatchNorm, and how near each block comes.

    Args:
        model: a network of Ultralytics; it stays as it is.
        photographs: inputs (B, 3, H, W), 0..1, gone through twice.
        progress: wraps the photographs and shows how far they are.

    Raises:
        ValueError: no GroupNorm in CGS or MC4f, or no photographs.
    """
    before = copy.deepcopy(model).float().eval()
    if not (layers := _layers_with_groups(before)):
        raise ValueError(
            "expected a model with GroupNorm in CGS or MC4f, got none; there is nothing to fold, export it as it is"
        )
    of_norms = {layer: Moments() for layer in layers}
    with ExitStack() as hooks, torch.no_grad():
        for layer, moments in of_norms.items():
            hooks.enter_context(_watch(before.get_submodule(layer).norm, moments.add))
        seen = sum(before(images) is not None for images in progress(photographs))
    if not seen:
        raise ValueError("expected photographs to fit the norms on, got none; name a data YAML whose train has images")

    after = copy.deepcopy(before)
    for layer, moments in of_norms.items():
        after.get_submodule(layer).norm = nearest_batch_norm(moments)
    _describe(after)
    return after, _compare(before, after, progress(photographs))


def nearest_batch_norm(moments: Moments) -> nn.BatchNorm2d:
    """The BatchNorm that is the line of least squares from x to y."""
    (mean_x, mean_y), (variance_x, _) = moments.means(), moments.variances()
    slope = torch.where(variance_x > 0, moments.covariance() / variance_x.clamp(min=1e-12), 0.0)
    norm = nn.BatchNorm2d(len(mean_x), eps=EPSILON, momentum=MOMENTUM).eval()
    with torch.no_grad():
        norm.running_mean.copy_(mean_x)  # type: ignore[union-attr]
        norm.running_var.copy_(variance_x)  # type: ignore[union-attr]
        norm.weight.copy_(slope * (variance_x + EPSILON).sqrt())
        norm.bias.copy_(mean_y)
    return norm


def _layers_with_groups(model: nn.Module) -> list[str]:
    """Names of the CGS that have GroupNorm."""
    return [
        name
        for name, module in model.named_modules()
        if isinstance(module, CGS) and isinstance(module.norm, nn.GroupNorm)
    ]


def _describe(model: Any) -> None:
    """Name the norm in the YAML rows of the blocks, so that a training that goes on builds the same."""
    for row in (row for part in ("backbone", "head") for row in model.yaml[part]):
        if row[2] == MC4f.__name__:
            row[3] = [row[3][0], NORM]
        elif row[2] == CGS.__name__:
            given = row[3][:3]  # width, kernel, stride
            row[3] = [*given, *(1, 1)[len(given) - 1 :], NORM]


def _compare(before: Any, after: Any, photographs: Iterable[Tensor]) -> list[Fold]:
    """Correlation of each block of two networks, each fed by its own blocks; the first look at each photograph."""
    blocks = sorted({int(name.split(".")[1]) for name in _layers_with_groups(before)})
    moments = {block: Moments() for block in blocks}
    given: tuple[dict[int, Tensor], dict[int, Tensor]] = ({}, {})
    with ExitStack() as hooks, torch.no_grad():
        for network, of_network in zip((before, after), given, strict=True):
            for block in blocks:
                keep = partial(_keep_first, of_network, block)
                hooks.enter_context(_watch(network.model[block], keep))
        for images in photographs:
            before(images)
            after(images)
            for block in blocks:
                moments[block].add(given[0].pop(block), given[1].pop(block))
    return [Fold(f"{block} {type(before.model[block]).__name__}", moments[block].correlation()) for block in blocks]


def _keep_first(kept: dict[int, Tensor], block: int, _: Tensor, output: Tensor) -> None:
    """Keep what a block gave first; a second look, which runs it again, is not the same in two networks."""
    kept.setdefault(block, output)


def _watch(module: nn.Module, take: Callable[[Tensor, Tensor], None]) -> Any:
    """Call `take` with what a module takes and gives, until the hook's context ends."""
    return module.register_forward_hook(lambda _, inputs, output: take(inputs[0], output))
