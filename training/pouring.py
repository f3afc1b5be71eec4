"""The convolutions of a trained block poured into a block of ours that has the same branches and other norms.

A trained convolution with its norm gives u = W x + b, then SiLU. A layer of ours gives v = g n(V x) + h, where n takes
away means and divides by deviations. With V = W each channel of n(V x) is u up to a factor and a constant. So the g and
h that give a channel of v the mean and the deviation of u over some photographs give u itself: for BatchNorm, whose
running moments become those of the photographs, of each input; for GroupNorm, which measures each photograph anew, as
far as photographs are alike, and exactly for a single one. Factors and constants of x itself fall away with it.

MC4f ends in a layer more than the blocks it stands for: cv4 takes the sum z of all branches, and SiLU follows. Its
convolution becomes the identity and its norm z -> a z + c, of which SiLU is nearly linear where a z + c is large. The
shift lifts the values below 0, which SiLU would flatten; a larger one costs more at the borders, where the next
convolution sees zeros in place of c. What the donor does not have gives nothing: a norm with g = h = 0, as SiLU(0) = 0,
whose g learns from there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights
from ultralytics.nn.modules.block import C3, SPPF, C2f
from ultralytics.nn.modules.conv import Conv

from ultra_face.nn.mc4f import MC4f

EXIT_GAIN, EXIT_SHIFT = 3.0, 0.5  # a and c of MC4f's last norm


@dataclass(frozen=True)
class Pour:
    """What a convolution of ours takes, and what its norm shall give.

    Attributes:
        layer: of ours, with `conv` and `bn` or `norm`.
        weight: of its convolution (c2, c1, k, k); None leaves its own.
        donors: the layers whose values before the activation, one after the other along the channels, are the target
            u; none for a branch that the donor lacks, which gives nothing.
        after: of a target after the donor's activation, as the last layer of MC4f has it.
    """

    layer: nn.Module
    weight: Tensor | None = None
    donors: Sequence[nn.Module] = ()
    after: bool = False


def folded(layer: Any) -> Tensor:
    """Weight (c2, c1, k, k) of a convolution with its norm folded in, fused before or not."""
    weight: Tensor = layer.conv.weight
    if hasattr(layer, "bn"):
        norm = layer.bn
        weight, _ = fuse_conv_bn_weights(
            weight, layer.conv.bias, norm.running_mean, norm.running_var, norm.eps, norm.weight, norm.bias
        )
    return weight.detach()


def embedded(weight: Tensor, padding: int, kernel: int, own_padding: int) -> Tensor:
    """A kernel (c2, c1, k, k) inside a larger one (c2, c1, K, K) that sees the same pixels, zeros around it.

    The first tap of a kernel lies `padding` before the pixel that a cell starts at.

    Raises:
        ValueError: it does not fit in.
    """
    start = own_padding - padding
    stop = start + weight.shape[-1]
    if start < 0 or stop > kernel:
        raise ValueError(
            f"expected a kernel that holds one of {weight.shape[-1]} with padding {padding}, got {kernel} with padding "
            f"{own_padding}; choose another layer in the model YAML"
        )
    return nn.functional.pad(weight, (start, kernel - stop) * 2)


def pour_conv(donor: Any, ours: Any) -> list[Pour]:
    """A convolution, whose kernel may be smaller than ours."""
    theirs, own = donor.conv, ours.conv
    if theirs.stride != own.stride or theirs.groups != own.groups:
        raise ValueError(
            f"expected a convolution of stride {own.stride} and {own.groups} groups, got {theirs.stride} and "
            f"{theirs.groups}; name a donor with the strides of the model"
        )
    return [_pour(ours, embedded(folded(donor), theirs.padding[0], own.kernel_size[0], own.padding[0]), donor)]


def pour_sppf(donor: Any, ours: Any) -> list[Pour]:
    """SPPF, which has the same form on both sides: convolution, pooling, convolution.

    Raises:
        ValueError: other pooling.
    """
    forms = [(layer.m.kernel_size, getattr(layer, "n", 3), getattr(layer, "add", False)) for layer in (ours, donor)]
    if forms[0] != forms[1]:
        raise ValueError(
            "expected pooling of {} px, {} times, with shortcut {}, got {}, {}, {}; name another donor".format(
                *forms[0], *forms[1]
            )
        )
    return pour_conv(donor.cv1, ours.cv1) + pour_conv(donor.cv2, ours.cv2)


def pour_c3(donor: Any, ours: Any) -> list[Pour]:
    """C3, which has the same form on both sides; bottlenecks that the donor lacks pass their input on."""
    pours = [pour for name in ("cv1", "cv2", "cv3") for pour in pour_conv(getattr(donor, name), getattr(ours, name))]
    return pours + _bottlenecks(donor.m, ours.m)


def pour_c2f(donor: Any, ours: Any) -> list[Pour]:
    """C2f into MC4f: both split cv1 in two, run bottlenecks one after the other on the second half, and fuse all."""
    fused = folded(donor.cv2)
    missing = ours.cv2.conv.weight.shape[1] - fused.shape[1]  # columns of the branches that the donor lacks
    fused = nn.functional.pad(fused, (0, 0, 0, 0, 0, missing))
    return [
        *pour_conv(donor.cv1, ours.cv1),
        *_bottlenecks(donor.m, ours.bottlenecks),
        *_exit(ours, fused, donor.cv2),
    ]


def pour_c3_into_mc4f(donor: Any, ours: Any) -> list[Pour]:
    """C3 into MC4f: cv2 and cv1 are the halves of ours, and cv3 fuses the last bottleneck and the first half."""
    halves = torch.cat([folded(donor.cv2), folded(donor.cv1)])
    last, first = folded(donor.cv3).chunk(2, dim=1)
    between = torch.zeros_like(first).repeat(1, len(ours.bottlenecks), 1, 1)
    return [
        _pour(ours.cv1, halves, donor.cv2, donor.cv1),
        *_bottlenecks(donor.m, ours.bottlenecks),
        *_exit(ours, torch.cat([first, between, last], dim=1), donor.cv3),
    ]


POURS: Mapping[tuple[type, type], Callable[[Any, Any], list[Pour]]] = {
    (Conv, Conv): pour_conv,
    (SPPF, SPPF): pour_sppf,
    (C3, C3): pour_c3,
    (C2f, MC4f): pour_c2f,
    (C3, MC4f): pour_c3_into_mc4f,
}
"""What can be poured: the donor's layer and ours."""


@torch.no_grad()
def pour(donor: nn.Module, ours: nn.Module, donor_input: Tensor, own_input: Tensor) -> tuple[Tensor, Tensor]:
    """Pour one layer into one of ours, whose norms are set while it first sees its input.

    Args:
        donor: a trained layer of `POURS`, in evaluation.
        ours: the layer that changes, in evaluation.
        donor_input: what the donor's layer takes of all photographs (B, c1, H, W).
        own_input: what ours takes of them.

    Returns:
        What the layers give (B, c2, H', W').

    Raises:
        ValueError: layers of which one cannot be poured into the other.
    """
    if (kinds := (type(donor), type(ours))) not in POURS:
        known = ", ".join(f"{one.__name__} into {other.__name__}" for one, other in POURS)
        raise ValueError(f"expected {known}, got {kinds[0].__name__} into {kinds[1].__name__}; choose another model")
    pours = POURS[kinds](donor, ours)
    for one in pours:
        if one.weight is not None:
            one.layer.conv.weight.copy_(one.weight)
    kept: dict[nn.Module, Tensor] = {}
    with ExitStack() as hooks:
        for layer in {layer for one in pours for layer in one.donors}:
            hooks.enter_context(_keeping(layer, kept))
        given = donor(donor_input)
    with ExitStack() as hooks:
        for one in pours:
            hooks.enter_context(_calibrating(_norm(one.layer), _target(one, kept)))
        return given, ours(own_input)


def calibrate(norm: Any, x: Tensor, target: Tensor | None) -> None:
    """Set a norm so that each channel of what it makes of x (B, C, H, W) has the mean and deviation of a target's.

    Without a target it gives 0.
    """
    dims = (0, 2, 3)
    if isinstance(norm, nn.BatchNorm2d):
        variance, mean = torch.var_mean(x, dims, correction=0)
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
    norm.weight.fill_(1.0)
    norm.bias.zero_()
    deviation, mean = torch.std_mean(norm.forward(x), dims, correction=0)
    wanted = (torch.zeros_like(mean), torch.zeros_like(mean))
    if target is not None:
        wanted = torch.std_mean(target, dims, correction=0)
    gain = torch.where(deviation > 0, wanted[0] / deviation.clamp(min=torch.finfo().tiny), 0.0)
    norm.weight.copy_(gain)
    norm.bias.copy_(wanted[1] - gain * mean)


def _bottlenecks(donor: nn.Module, ours: nn.Module) -> list[Pour]:
    """Both convolutions of each bottleneck; those that the donor lacks add nothing to their input.

    Raises:
        ValueError: the donor has more, or bottlenecks without shortcut.
    """
    theirs, own = list(donor), list(ours)
    with_shortcut = all(getattr(one, "add", True) for one in theirs + own)  # as those of MC4f always are
    if len(theirs) > len(own) or not with_shortcut:
        raise ValueError(
            f"expected {len(own)} bottlenecks or fewer, all with shortcut, got {len(theirs)}; name a smaller donor "
            "or a model of more depth"
        )
    pours = [
        pour
        for one, other in zip(theirs, own, strict=False)
        for name in ("cv1", "cv2")
        for pour in pour_conv(getattr(one, name), getattr(other, name))
    ]
    return pours + [Pour(one.cv2) for one in own[len(theirs) :]]


def _exit(ours: MC4f, fused: Tensor, donor: nn.Module) -> list[Pour]:
    """The last three layers of MC4f: what fuses the branches, the residual that the donor lacks, the identity."""
    identity = torch.eye(len(fused))[:, :, None, None]
    return [
        _pour(ours.cv2, fused, donor),
        Pour(ours.cv3),
        Pour(ours.cv4, identity, [donor], after=True),
    ]


def _pour(ours: Any, weight: Tensor, *donors: Any) -> Pour:
    """A convolution of ours takes a weight (c2, c1, k, k) that donors have together.

    Raises:
        ValueError: its form or activation is another.
    """
    if weight.shape != (own := ours.conv.weight).shape:
        raise ValueError(
            f"expected a convolution {_form(own)}, got {_form(weight)}; name a donor and a model of one width"
        )
    if other := [donor for donor in donors if type(donor.act) is not type(ours.act)]:
        raise ValueError(
            f"expected {type(ours.act).__name__} after a convolution, got {type(other[0].act).__name__}; name another "
            "donor"
        )
    return Pour(ours, weight, donors)


def _norm(layer: Any) -> Any:
    return layer.bn if hasattr(layer, "bn") else layer.norm


def _target(one: Pour, kept: Mapping[nn.Module, Tensor]) -> Tensor | None:
    if not one.donors:
        return None
    target = torch.cat([kept[layer] for layer in one.donors], dim=1)
    return EXIT_GAIN * nn.functional.silu(target) + EXIT_SHIFT if one.after else target


@contextmanager
def _keeping(layer: Any, kept: dict[nn.Module, Tensor]) -> Iterator[None]:
    """Keep what a layer of the donor gives before its activation, which all layers may share."""
    last = layer.bn if hasattr(layer, "bn") else layer.conv

    def keep(_: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        kept[layer] = output.clone()  # activations change it in place

    with last.register_forward_hook(keep):
        yield


@contextmanager
def _calibrating(norm: Any, target: Tensor | None) -> Iterator[None]:
    """Calibrate a norm before it is first run."""
    with norm.register_forward_pre_hook(lambda _, inputs: calibrate(norm, inputs[0], target)):
        yield


def _form(weight: Tensor) -> str:
    return " x ".join(map(str, weight.shape))
