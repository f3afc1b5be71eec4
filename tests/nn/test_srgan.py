"""Bicubic enlargement against PyTorch's own.

Generator and discriminator of the SRGAN.
"""

from __future__ import annotations

import io
import warnings

import numpy as np
import onnxruntime
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from ultra_face.nn.srgan import CubicEnlargement, Discriminator, Generator, cubic_weights, keys_kernel


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
@pytest.mark.parametrize("size", [(1, 1), (2, 5), (13, 17)], ids=lambda size: "x".join(map(str, size)))
def test_equals_interpolation(scale: int, size: tuple[int, int]) -> None:
    x = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(0))
    expected = interpolate(x, scale_factor=scale, mode="bicubic", align_corners=False)
    torch.testing.assert_close(CubicEnlargement(scale)(x), expected, rtol=0, atol=2e-6)


def test_kernel_of_keys() -> None:
    # w(0) = 1 and w(1) = w(2) = 0 make it interpolate; at 1/2: (1.25 / 2 - 2.25) / 4 + 1 and -0.75 (1/2 - 1/4) / 2.
    distances = torch.tensor([0.0, 0.5, 1.0, 1.5, 2.0, 3.0], dtype=torch.float64)
    expected = torch.tensor([1.0, 0.59375, 0.0, -0.09375, 0.0, 0.0], dtype=torch.float64)
    torch.testing.assert_close(keys_kernel(distances), expected)
    torch.testing.assert_close(keys_kernel(-distances), expected)


def test_weights_of_every_pixel_sum_to_one() -> None:
    torch.testing.assert_close(cubic_weights(4).sum(dim=(1, 2)), torch.ones(16))


def test_full_precision_within_autocast() -> None:
    layer, x = CubicEnlargement(2), torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    expected = layer(x)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(layer(x), expected, rtol=0, atol=0)


def test_weights_stay_out_of_the_state() -> None:
    assert CubicEnlargement(4).state_dict() == {}


FORMS = pytest.mark.parametrize("light", [False, True], ids=["standard", "light"])


def images(batch: int = 2, size: tuple[int, int] = (9, 13), *, seed: int = 1) -> Tensor:
    return torch.rand(batch, 3, *size, generator=torch.Generator().manual_seed(seed))


def trained(generator: Generator) -> Generator:
    """As after training: an exit that adds something, norms with statistics of their own."""
    torch.manual_seed(0)
    nn.init.normal_(generator.exit[0].weight, std=0.01)
    generator.train()
    for seed in range(3):
        generator(images(seed=seed))
    return generator.eval()


def small(scale: int = 4, *, light: bool = False) -> Generator:
    torch.manual_seed(0)
    return Generator(scale, blocks=2, width=8, light=light)


@FORMS
@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize("size", [(1, 1), (5, 9), (16, 16)], ids=lambda size: "x".join(map(str, size)))
def test_enlarges(scale: int, size: tuple[int, int], light: bool) -> None:
    y = trained(small(scale, light=light))(images(size=size))
    assert y.shape == (2, 3, scale * size[0], scale * size[1])
    assert y.isfinite().all()


@FORMS
@pytest.mark.parametrize("scale", [2, 4])
def test_an_untrained_one_is_bicubic(scale: int, light: bool) -> None:
    x = images()
    expected = interpolate(x, scale_factor=scale, mode="bicubic", align_corners=False)
    generator = small(scale, light=light)
    torch.testing.assert_close(generator.train()(x), expected, rtol=0, atol=2e-6)
    torch.testing.assert_close(generator.eval()(x), expected.clamp(0, 1), rtol=0, atol=2e-6)


def test_clamped_in_evaluation_only() -> None:
    generator = small()
    nn.init.constant_(generator.exit[0].bias, 2.0)
    assert generator.eval()(images()).max() == 1
    assert generator.train()(images()).min() > 1


@FORMS
def test_gradient_reaches_every_parameter_and_the_input(light: bool) -> None:
    generator, x = trained(small(light=light)).train(), images().requires_grad_()
    y = generator(x)
    (y * torch.randn_like(y)).sum().backward()
    gradients = {name: parameter.grad for name, parameter in generator.named_parameters()} | {"input": x.grad}
    assert [name for name, gradient in gradients.items() if gradient is None or not gradient.any()] == []


def test_an_untrained_one_learns_from_its_exit_on() -> None:
    generator = small()
    generator(images()).square().sum().backward()
    assert generator.exit[0].weight.grad.any()


def test_parameters_of_the_standard_form() -> None:
    c, blocks = 64, 16
    norm, convolution = 2 * c, 9 * c * c  # a convolution before a norm has no bias
    entry = 81 * 3 * c + c + 1  # with PReLU's one slope
    trunk = blocks * (2 * (convolution + norm) + 1) + convolution + norm
    doublings = 2 * (9 * c * 4 * c + 4 * c + 1)
    leaving = 81 * c * 3 + 3
    assert num_parameters(Generator()) == entry + trunk + doublings + leaving


def test_parameters_of_the_light_form() -> None:
    c, blocks, scale = 32, 8, 4
    trunk = blocks * (2 * (9 * c * c + 2 * c) + 1) + 9 * c * c + 2 * c
    expected = (27 * c + c + 1) + trunk + 9 * c * 3 * scale**2 + 3 * scale**2
    assert num_parameters(Generator(scale, blocks, c, light=True)) == expected


@FORMS
def test_evaluation_is_deterministic_and_images_do_not_mix(light: bool) -> None:
    generator, x = trained(small(light=light)), images(3)
    with torch.no_grad():
        y = generator(x)
        torch.testing.assert_close(generator(x), y, rtol=0, atol=0)
        alone = torch.cat([generator(image[None]) for image in x])
    torch.testing.assert_close(alone, y, rtol=1e-5, atol=1e-5)


@FORMS
def test_fused_gives_the_same(light: bool) -> None:
    generator, x = trained(small(light=light)), images()
    with torch.no_grad():
        expected = generator(x)
        fused = generator.fuse()(x)
    assert not [module for module in generator.modules() if isinstance(module, nn.BatchNorm2d)]
    torch.testing.assert_close(fused, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=["half", "bfloat16"])
def test_lower_precision(dtype: torch.dtype) -> None:
    generator, x = trained(small()), images()
    with torch.no_grad():
        expected = generator(x)
        low = generator.to(dtype)(x.to(dtype))
    assert low.dtype == dtype
    # About ten roundings of values up to one, each of half a unit in the last place.
    torch.testing.assert_close(low.float(), expected, rtol=0, atol=10 * torch.finfo(dtype).eps)


@FORMS
@pytest.mark.parametrize("fuse", [False, True], ids=["with norms", "fused"])
def test_onnx_runtime_agrees_at_a_size_that_was_not_traced(light: bool, fuse: bool) -> None:
    generator = trained(small(light=light))
    session = onnx_session(generator.fuse() if fuse else generator, images(1, (16, 16)))
    for x in (images(1, (16, 16)), images(3, (5, 9)), images(2, (20, 8))):
        with torch.no_grad():
            expected = generator(x)
        np.testing.assert_allclose(session.run(None, {"x": x.numpy()})[0], expected.numpy(), rtol=0, atol=1e-5)


@pytest.mark.parametrize("scale", [-4, 0, 1, 3, 6])
def test_scale_is_a_power_of_two(scale: int) -> None:
    with pytest.raises(ValueError, match=f"scale: expected a power of two of at least 2, got {scale}"):
        Generator(scale)


@pytest.mark.parametrize("name", ["blocks", "width"])
def test_generator_needs_blocks_and_channels(name: str) -> None:
    with pytest.raises(ValueError, match=f"Generator: {name}: expected at least 1, got 0"):
        Generator(4, **{name: 0})


@pytest.mark.parametrize("size", [(24, 24), (96, 96), (33, 50)], ids=lambda size: "x".join(map(str, size)))
def test_discriminator_gives_a_logit_an_image_of_any_size(size: tuple[int, int]) -> None:
    logits = Discriminator(4)(images(3, size))
    assert logits.shape == (3,)
    assert logits.isfinite().all()


def test_gradient_reaches_every_parameter_of_the_discriminator() -> None:
    torch.manual_seed(0)
    discriminator, x = Discriminator(4).train(), images(4, (32, 32)).requires_grad_()
    discriminator(x).sigmoid().mean().backward()
    gradients = {name: parameter.grad for name, parameter in discriminator.named_parameters()} | {"input": x.grad}
    assert [name for name, gradient in gradients.items() if gradient is None or not gradient.any()] == []


def test_layers_of_the_discriminator() -> None:
    convolutions = [module for module in Discriminator().modules() if isinstance(module, nn.Conv2d)]
    shapes = [(layer.out_channels, layer.stride[0]) for layer in convolutions]
    assert shapes == [(64, 1), (64, 2), (128, 1), (128, 2), (256, 1), (256, 2), (512, 1), (512, 2)]
    norms = [module for module in Discriminator().modules() if isinstance(module, nn.BatchNorm2d)]
    assert len(norms) == 7  # none after the first convolution


def test_discriminator_needs_channels() -> None:
    with pytest.raises(ValueError, match="Discriminator: width: expected at least 1, got 0"):
        Discriminator(0)


def num_parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def onnx_session(network: nn.Module, x: Tensor) -> onnxruntime.InferenceSession:
    """Export as Ultralytics does, with batch, height and width left open."""
    axes = {0: "batch", 2: "height", 3: "width"}
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer announces its retirement
        torch.onnx.export(
            network,
            (x,),
            file,
            opset_version=17,
            input_names=["x"],
            output_names=["y"],
            dynamic_axes={"x": axes, "y": axes},
            dynamo=False,
        )
    return onnxruntime.InferenceSession(file.getvalue(), providers=["CPUExecutionProvider"])
