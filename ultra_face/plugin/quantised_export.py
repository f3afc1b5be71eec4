"""Exports of our models that compute in whole numbers: `yolo export quantize=8`.

Ultralytics quantises the convolutions of ONNX files and leaves the decoding in float, but gives each convolution one
scale for all that it predicts. So the copy that it exports gets a convolution for each kind of value first.

LiteRT's quantiser takes every operator, the division by a variance in SimAM too. Files of the shipped weights then
ended prediction with a corrupted heap or, where LiteRT's plain kernels ran, with a divisor of zero in that division.
The same weights with SimAM left out ran, as models without AESVC did. Untrained weights with AESVC ran too: what the
divisor rounds to depends on weights and images, so that AESVC is refused.
"""

from __future__ import annotations

from typing import Any

from ultra_face.nn.aesvc import AESVC
from ultra_face.plugin.face_model import face_model

WHOLE_NUMBERS = frozenset({8, "w8a16"})
"""What `quantize=` says where activations are whole numbers."""


def prepare(exporter: Any) -> None:
    """Split the output convolutions of the copy of a face model that Ultralytics' exporter has made for itself.

    Raises:
        NotImplementedError: a model with AESVC is to be in whole numbers for LiteRT.
    """
    model = face_model(exporter.model)
    if model is None or exporter.args.quantize not in WHOLE_NUMBERS:
        return
    refused = exporter.args.format == "litert" and exporter.args.quantize == 8
    if refused and any(isinstance(layer, AESVC) for layer in model.modules()):
        raise NotImplementedError(
            "AESVC: expected LiteRT in float, got quantize=8, with which its attention divides whole numbers and "
            "prediction crashes; leave quantize out, or make an ONNX file with `ultra-face quantize`"
        )
    model.model[-1].split_by_kind()
