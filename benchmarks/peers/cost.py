"""Parameters and operations of a network in an ONNX file."""

from __future__ import annotations

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto

from benchmarks.peers.session import load_model, session_options

FLOATS = {TensorProto.FLOAT, TensorProto.FLOAT16}


class Cost(NamedTuple):
    """What a network costs.

    Attributes:
        parameters: numbers that the file stores as weights; norms that were folded at export are not among them.
        gflops: billions of operations of its convolutions for one image, a multiplication and an addition being two.
    """

    parameters: int
    gflops: float


def cost(file: str | Path, size: tuple[int, int]) -> Cost:
    """Count the weights of a file, and run it once on an input of width and height [px] to count its operations.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not ONNX.
    """
    model = load_model(file)
    statistics = {name for node in model.graph.node if node.op_type == "BatchNormalization" for name in node.input[3:]}
    weights = {
        item.name: list(item.dims)
        for item in model.graph.initializer
        if item.data_type in FLOATS and item.name not in statistics
    }
    # Numbers of a kernel for each value that it gives.
    kernels = {
        node.output[0]: math.prod(weights[node.input[1]][1:])
        for node in model.graph.node
        if node.op_type == "Conv" and node.input[1] in weights
    }
    parameters = sum(math.prod(dims) for dims in weights.values())
    if not kernels:
        return Cost(parameters, 0.0)
    del model.graph.output[:]
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in kernels)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), session_options(1), providers=["CPUExecutionProvider"]
    )
    image = np.zeros((1, 3, size[1], size[0]), np.float32)
    maps = session.run(None, {session.get_inputs()[0].name: image})
    operations = sum(2 * values.size * kernel for values, kernel in zip(maps, kernels.values(), strict=True))
    return Cost(parameters, operations / 1e9)
