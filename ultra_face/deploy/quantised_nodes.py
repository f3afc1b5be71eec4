"""Which nodes of an exported face model compute in whole numbers: all but the output convolutions and the decoding.

Exporters name each node after the module that it comes from: `/model.25/predict.0/Conv` in ONNX files,
`__module.model.25.predict.0/aten::_convolution/Convolution` in OpenVINO. The layer of the highest number is the head;
what has no layer belongs to the second look or to suppression.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_LAYER = re.compile(r"(?:^|[/.])model\.(\d+)(?:_\d+)?[/.]")
_HIDDEN = re.compile(r"[/.](?:one2one_)?cv\d\.\d.*[/.](?:conv|act)/")
"""Branches of FacePose before their output convolution; `dfl` is decoding."""


def head_layer(names: Iterable[str]) -> int | None:
    """Number of the head among named nodes; None where no name is that of a layer."""
    return max((layer for name in names if (layer := _layer(name)) is not None), default=None)


def stays_float(name: str, head: int) -> bool:
    """Whether a node is an output convolution, or comes after these; `head` is the number of the head."""
    layer = _layer(name)
    return layer is None or (layer == head and not _HIDDEN.search(name))


def _layer(name: str) -> int | None:
    found = _LAYER.search(name)
    return None if found is None else int(found[1])
