"""The contract of every layer in the table `LAYERS`; a row that keeps the size is tested without an edit."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable

import numpy as np
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from ultra_face.nn.layers import LAYERS, Build
from ultra_face.nn.trunk import ShuffleStage, StemBlock

C1, C2 = 24, 32
STRIDES = {ShuffleStage: 2, StemBlock: 4}  # every other layer keeps height and width
SIZES = [(16, 16), (13, 17), (1, 1)]


@pytest.fixture(params=LAYERS, ids=lambda layer: layer.__name__)
def layer_type(request: pytest.FixtureRequest) -> type[nn.Module]:
    return request.param


@pytest.fixture
def build(layer_type: type[nn.Module]) -> Callable[[], nn.Module]:
    """Builds the layer as the model YAML would, always with the same weights."""
    arguments = {Build.SCALED: (C1, C2), Build.REPEATED: (C1, C2, 2), Build.SAME: ()}[LAYERS[layer_type]]

    def seeded() -> nn.Module:
        torch.manual_seed(0)
        return layer_type(*arguments)

    return seeded


def features(batch: int = 2, size: tuple[int, int] = (16, 16), *, seed: int = 1) -> Tensor:
    return torch.randn(batch, C1, *size, generator=torch.Generator().manual_seed(seed))


def used(layer: nn.Module) -> nn.Module:
    """The layer in evaluation, with running statistics that differ from their start of 0 and 1."""
    layer.train()
    for seed in range(3):
        layer(features(4, seed=seed) * 2 + 1)
    return layer.eval()


@pytest.mark.parametrize("size", SIZES, ids=lambda size: "x".join(map(str, size)))
def test_output_shape(layer_type: type[nn.Module], build: Callable[[], nn.Module], size: tuple[int, int]) -> None:
    stride = STRIDES.get(layer_type, 1)
    channels = C1 if LAYERS[layer_type] is Build.SAME else C2
    # A strided convolution with padding k // 2 gives ceil(size / stride).
    expected = (2, channels, -(-size[0] // stride), -(-size[1] // stride))
    y = build().eval()(features(size=size))
    assert y.shape == expected
    assert y.isfinite().all()


def test_gradient_reaches_every_parameter_and_the_input(build: Callable[[], nn.Module]) -> None:
    layer, x = build().train(), features(size=(13, 17)).requires_grad_()
    y = layer(x)
    (y * torch.randn_like(y)).sum().backward()
    gradients = {name: parameter.grad for name, parameter in layer.named_parameters()} | {"input": x.grad}
    assert [name for name, gradient in gradients.items() if gradient is None] == []
    assert [name for name, gradient in gradients.items() if not gradient.isfinite().all()] == []
    assert [name for name, gradient in gradients.items() if not gradient.any()] == []


def test_evaluation_is_deterministic_and_images_do_not_mix(build: Callable[[], nn.Module]) -> None:
    layer, x = used(build()), features(3)
    with torch.no_grad():
        y = layer(x)
        torch.testing.assert_close(layer(x), y, rtol=0, atol=0)
        alone = torch.cat([layer(image[None]) for image in x])
    # A batch of one may take another kernel: the order of its sums is all that may differ.
    torch.testing.assert_close(alone, y, rtol=1e-5, atol=1e-5)


def test_training_takes_a_batch_of_one(build: Callable[[], nn.Module]) -> None:
    layer, x = build().train(), features(1).requires_grad_()
    y = layer(x)
    y.sum().backward()
    assert y.isfinite().all()
    assert all(item.grad.isfinite().all() for item in (x, *layer.parameters()))


def test_weights_can_be_saved_and_loaded(build: Callable[[], nn.Module]) -> None:
    layer, other, x = used(build()), build().eval(), features()
    with torch.no_grad():
        y = layer(x)
        other.load_state_dict(through_file(layer.state_dict()))
        torch.testing.assert_close(other(x), y, rtol=0, atol=0)
        torch.testing.assert_close(through_file(layer)(x), y, rtol=0, atol=0)


@pytest.mark.parametrize(
    ("dtype", "tolerance"),
    [
        # Relative to the largest activation. One rounding costs 2^-11 and 2^-8; about ten follow one another.
        (torch.float16, 10 * 2**-11),
        (torch.bfloat16, 10 * 2**-8),
    ],
    ids=["half", "bfloat16"],
)
def test_lower_precision(build: Callable[[], nn.Module], dtype: torch.dtype, tolerance: float) -> None:
    layer, x = used(build()), features()
    with torch.no_grad():
        y = layer(x)
        low = layer.to(dtype)(x.to(dtype))
    assert low.dtype == dtype
    assert (low.float() - y).abs().max() <= tolerance * y.abs().max()


def test_onnx_runtime_agrees_at_a_size_that_was_not_traced(build: Callable[[], nn.Module]) -> None:
    layer = used(build())
    session = onnx_session(layer, features(1, (16, 16)))
    for x in (features(1, (16, 16)), features(3, (13, 17)), features(2, (20, 8))):
        with torch.no_grad():
            expected = layer(x)
        got = session.run(None, {"x": x.numpy()})[0]
        # float32 on both sides, in another order of summation.
        np.testing.assert_allclose(got, expected.numpy(), rtol=1e-4, atol=1e-4)


def through_file(item: object) -> object:
    file = io.BytesIO()
    torch.save(item, file)
    file.seek(0)
    return torch.load(file, weights_only=False)


def onnx_session(layer: nn.Module, x: Tensor) -> onnxruntime.InferenceSession:
    """Export as Ultralytics does, with batch, height and width left open."""
    axes = {0: "batch", 2: "height", 3: "width"}
    file = io.BytesIO()
    with warnings.catch_warnings():
        # Ultralytics exports through the tracer, which announces its retirement and warns where torch's own
        # group norm checks a shape.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            layer,
            (x,),
            file,
            opset_version=18,
            input_names=["x"],
            output_names=["y"],
            dynamic_axes={"x": axes, "y": axes},
            dynamo=False,
        )
    return onnxruntime.InferenceSession(file.getvalue(), providers=["CPUExecutionProvider"])
