"""Export formats for which Ultralytics decodes in the place of a head.

For TensorFlow and ExecuTorch it exchanges methods of its heads, partly for normalised coordinates. For IMX it knows a
head of landmarks by the very class `Pose`. For Hailo it cuts the graph at the convolutions of that class.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

STOCK_DECODING = frozenset({"saved_model", "pb", "edgetpu", "executorch", "imx", "hailo"})


def refuse_stock_decoding(head: Any, *, instead: str, formats: Collection[str] = STOCK_DECODING) -> None:
    """Stop an export that would not decode as the head does; `instead` is what else the user can do.

    Raises:
        NotImplementedError: the head is in an export to one of the formats.
    """
    if head.export and head.format in formats:
        raise NotImplementedError(
            f"{type(head).__name__}: Ultralytics' {head.format} export decodes as its own heads do, which gives wrong "
            f"faces here; export onnx, openvino or torchscript, or {instead}"
        )
