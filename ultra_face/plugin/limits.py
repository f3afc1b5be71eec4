"""What a model YAML with our layers may ask for, checked before anything is built: rows that are rows, sizes that fit.

Ultralytics' parser calls whatever its module has under the name of a layer, and evaluates `activation:` as Python. A
YAML with our layers may name only layers; where the code of files is refused, so may any other.
"""

from __future__ import annotations

import ast
import math
import reprlib
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

MAX_CHANNELS = 8192
MAX_ARGUMENT = 1024
"""Of any other whole number of a row, such as the side of a kernel."""
MAX_REPEATS = 100
MAX_WEIGHTS = 2**28
"""A gigabyte in single precision; the largest model of `cfg/models` has half of that."""

Row = Sequence[Any]


class SizeLimit(TorchFunctionMode):
    """Refuses weights beyond `MAX_WEIGHTS`, all of a model together, before they take memory.

    Args:
        where: names the model YAML in errors.
    """

    def __init__(self, where: object) -> None:
        super().__init__()
        self.where, self.count = where, 0

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """As `TorchFunctionMode.__torch_function__`.

        Raises:
            ValueError: more weights than the limit.
        """
        if func in (torch.empty, torch.zeros, torch.ones):
            size = args[0] if args and isinstance(args[0], (tuple, list)) else args
            self.count += math.prod(side for side in size if isinstance(side, int))
            if self.count > MAX_WEIGHTS:
                raise ValueError(
                    f"{self.where}: expected a model of at most {MAX_WEIGHTS:,} weights, got more; lower its channels, "
                    "repeats or kernels"
                )
        return func(*args, **(kwargs or {}))


def rows_of(model: Mapping[str, Any], where: object) -> list[Row]:
    """The rows of backbone and head, each [from, repeats, layer, arguments].

    Raises:
        ValueError: there are none, or others.
    """
    rows: list[Row] = []
    for part in ("backbone", "head"):
        block = model.get(part)
        if not isinstance(block, list):
            raise ValueError(f"{where}: {part}: expected rows of layers, got {type(block).__name__}; write them")
        rows += block
    for index, row in enumerate(rows):
        if not (isinstance(row, list) and len(row) == 4 and isinstance(row[2], str) and isinstance(row[3], list)):
            raise ValueError(
                f"{where}: layer {index}: expected [from, repeats, layer, arguments], got {_short(row)}; correct it"
            )
    return rows


def check_rows(rows: Sequence[Row], where: object) -> None:
    """Check where each layer takes its inputs from, how often it repeats, and how large the numbers are.

    Raises:
        ValueError: an input that is no earlier layer, or a number out of its range.
    """
    for index, (source, repeats, name, arguments) in enumerate(rows):
        place = f"{where}: layer {index} ({name})"
        for one in source if isinstance(source, list) and source else [source]:
            if not _is_whole(one) or not -max(index, 1) <= one < max(index, 1):
                raise ValueError(f"{place}: expected earlier layers as inputs, got {_short(source)}; correct them")
        if not _is_whole(repeats) or not 1 <= repeats <= MAX_REPEATS:
            raise ValueError(f"{place}: expected 1 to {MAX_REPEATS} repeats, got {_short(repeats)}; correct them")
        for position, value in enumerate(arguments):
            limit = MAX_ARGUMENT if position else MAX_CHANNELS
            if isinstance(value, (int, float)) and not abs(value) <= limit:
                raise ValueError(f"{place}: expected arguments up to {limit}, got {value:g}; correct the row")


def check_numbers(model: Mapping[str, Any], where: object) -> None:
    """Check what a model YAML says beside its rows: classes, and depth, width and most channels of its scales.

    Raises:
        ValueError: another kind of value, or one out of its range.
    """
    classes = model.get("nc", 1)
    if not _is_whole(classes) or not 1 <= classes <= MAX_CHANNELS:
        raise ValueError(f"{where}: nc: expected 1 to {MAX_CHANNELS} classes, got {_short(classes)}; correct it")
    scales = model.get("scales") or {}
    if not isinstance(scales, Mapping):
        raise ValueError(f"{where}: scales: expected a row for each letter, got {_short(scales)}; correct them")
    for letter, scale in scales.items():
        if not (isinstance(scale, list) and len(scale) == 3 and all(_is_factor(value) for value in scale)):
            raise ValueError(
                f"{where}: scales: {letter}: expected [depth, width, most channels], got {_short(scale)}; correct it"
            )


def check_layers_alone(model: Mapping[str, Any], space: ModuleType) -> None:
    """Check that building a model calls nothing but layers; `space` is the module whose names the parser resolves.

    Raises:
        ValueError: a row names something else, or the activation is more than a layer of torch.nn with plain arguments.
    """
    where = model.get("yaml_file", "model YAML")
    for index, row in enumerate(model["backbone"] + model["head"]):
        layer = _resolved(row[2], space)
        if layer is not None and not (isinstance(layer, type) and issubclass(layer, nn.Module)):
            raise ValueError(f"{where}: layer {index}: expected a layer, got {_short(row[2])}; correct the name")
    activation = model.get("activation")
    if activation and not _is_activation(activation):
        raise ValueError(
            f"{where}: activation: expected a layer of torch.nn such as nn.SiLU(), got {_short(activation)}; correct it"
        )


def _resolved(name: str, space: ModuleType) -> Any:
    for prefix, module in (("nn.", nn), ("torchvision.ops.", _torchvision_ops)):
        if name.startswith(prefix):
            return getattr(module() if callable(module) else module, name.removeprefix(prefix), object)
    return getattr(space, name, None)


def _torchvision_ops() -> ModuleType:
    import torchvision.ops  # type: ignore[import-untyped]  # here: every `import ultralytics` would pay for it

    ops: ModuleType = torchvision.ops
    return ops


def _is_activation(text: Any) -> bool:
    """Whether it is a call of a class of torch.nn with literals as arguments."""
    try:
        call = ast.parse(str(text).strip(), mode="eval").body
        if not isinstance(call, ast.Call):
            return False
        prefix, _, name = ast.unparse(call.func).rpartition(".")
        for value in (*call.args, *(keyword.value for keyword in call.keywords)):
            ast.literal_eval(value)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    layer = getattr(nn, name, None) if prefix in ("nn", "torch.nn") else None
    return isinstance(layer, type) and issubclass(layer, nn.Module)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_factor(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value <= MAX_CHANNELS


def _short(value: Any) -> str:
    text = reprlib.repr(value)  # which goes neither deep nor far
    return text if len(text) <= 80 else f"{text[:80]}..."
