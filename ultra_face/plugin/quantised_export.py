"""Exports of our models that compute in whole numbers: `yolo export quantize=8`.

Ultralytics quantises the convolutions of ONNX files and leaves the decoding in float, but gives each convolution one
scale for all that it predicts. So the copy that it exports gets a convolution for each kind of value first.
"""

from __future__ import annotations

from typing import Any

from ultra_face.plugin.face_model import face_model

WHOLE_NUMBERS = frozenset({8, "w8a16"})
"""What `quantize=` says where activations are whole numbers."""


def prepare(exporter: Any) -> None:
    """Split the output convolutions of the copy of a face model that Ultralytics' exporter has made for itself."""
    model = face_model(exporter.model)
    if model is not None and exporter.args.quantize in WHOLE_NUMBERS:
        model.model[-1].split_by_kind()
