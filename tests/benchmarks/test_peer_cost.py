"""Parameters and operations of an ONNX file, and weights that it lists among its inputs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from benchmarks.peers.cost import cost
from benchmarks.peers.session import load_model

C1, C2, KERNEL = 3, 4, 3


@pytest.fixture
def network(tmp_path: Path) -> Path:
    """A convolution and a norm, whose weights stand among the inputs as old exporters had it."""
    rng = np.random.default_rng(0)
    shapes = {"kernel": (C2, C1, KERNEL, KERNEL), "scale": (C2,), "bias": (C2,), "mean": (C2,), "variance": (C2,)}
    weights = [
        numpy_helper.from_array(rng.uniform(0.5, 1, shape).astype(np.float32), name) for name, shape in shapes.items()
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, (1, C1, "height", "width"))
    listed = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()]
    result = helper.make_tensor_value_info("result", TensorProto.FLOAT, (1, C2, "rows", "columns"))
    nodes = [
        helper.make_node("Conv", ["image", "kernel"], ["maps"], strides=[2, 2], pads=[1, 1, 1, 1]),
        helper.make_node("BatchNormalization", ["maps", "scale", "bias", "mean", "variance"], ["result"]),
    ]
    graph = helper.make_graph(nodes, "network", [image, *listed], [result], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, tmp_path / "network.onnx")
    return tmp_path / "network.onnx"


def test_parameters_and_operations(network: Path) -> None:
    # Stride 2 on 64 x 48 px: 32 x 24 places. Running statistics of the norm are no parameters.
    operations = 2 * 32 * 24 * C2 * C1 * KERNEL**2
    assert cost(network, (64, 48)) == (C2 * C1 * KERNEL**2 + 2 * C2, pytest.approx(operations / 1e9))


def test_weights_among_the_inputs_become_constants_and_the_result_stays(network: Path) -> None:
    model = load_model(network)
    assert [given.name for given in model.graph.input] == ["image"]
    image = np.random.default_rng(1).normal(size=(1, C1, 8, 8)).astype(np.float32)
    as_stored, as_loaded = (
        onnxruntime.InferenceSession(given.SerializeToString(), providers=["CPUExecutionProvider"]).run(
            None, {"image": image}
        )[0]
        for given in (onnx.load(network), model)
    )
    np.testing.assert_allclose(as_loaded, as_stored, rtol=1e-4, atol=1e-5)
