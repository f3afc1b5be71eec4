"""A network that sees a face in the middle of whatever is red."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIDE = 64
"""Of its input [px]."""

GREY = 114 / 255
"""Red of what the letterbox adds."""


def write_red_network(file: Path) -> Path:
    """Write the ONNX file, with the notes of Ultralytics' exporter.

    It gives one face a photograph: a box of 16 px in the middle of the input, whose score is the mean of the red plane,
    with all landmarks in its centre, which are visible.
    """
    middle = SIDE / 2
    constants = {
        "box": np.array([middle, middle, 16, 16], np.float32).reshape(1, 4, 1),
        "landmarks": np.tile(np.array([middle, middle, 1], np.float32), 5).reshape(1, 15, 1),
        "red": np.array(0, np.int64),
        "shape": np.array([1, 1, 1], np.int64),
    }
    nodes = [
        helper.make_node("Constant", [], [name], value=numpy_helper.from_array(value))
        for name, value in constants.items()
    ]
    nodes += [
        helper.make_node("Gather", ["images", "red"], ["seen"], axis=1),
        helper.make_node("ReduceMean", ["seen"], ["mean"], axes=[1, 2], keepdims=0),
        helper.make_node("Reshape", ["mean", "shape"], ["score"]),
        helper.make_node("Concat", ["box", "score", "landmarks"], ["output0"], axis=1),
    ]
    images = helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, SIDE, SIDE])
    output = helper.make_tensor_value_info("output0", TensorProto.FLOAT, [1, 20, 1])
    graph = helper.make_graph(nodes, "red", [images], [output])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, {"names": "{0: 'face'}", "stride": "32", "kpt_shape": "[5, 3]"})
    onnx.save(model, file)
    return file
