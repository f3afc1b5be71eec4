"""The two branches of the explicit visual centre."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from ultra_face.nn.visual_center import GlobalMLP, LayerScale, LearnableVisualCenter, residual_encoding


def literal_encoding(x: Tensor, codewords: Tensor, scales: Tensor) -> Tensor:
    """Equation 2 of Deep TEN, one position, codeword and channel at a time: O(B N K C)."""
    encoding = torch.zeros(len(x), *codewords.shape, dtype=torch.float64)
    for image, positions in enumerate(x.tolist()):
        for features in positions:
            residuals = [[f - w for f, w in zip(features, word, strict=True)] for word in codewords.tolist()]
            distances = [sum(r * r for r in residual) for residual in residuals]
            weights = [math.exp(s * d) for s, d in zip(scales.tolist(), distances, strict=True)]
            for k, residual in enumerate(residuals):
                for c, r in enumerate(residual):
                    encoding[image, k, c] += weights[k] / sum(weights) * r
    return encoding


SHAPES = {"general": (2, 6, 5, 4), "one position": (1, 1, 3, 2), "one word": (1, 4, 1, 3)}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_residual_encoding_against_the_literal_sum(shape: tuple[int, int, int, int]) -> None:
    batch, positions, words, channels = shape
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(batch, positions, channels, generator=generator)
    codewords = torch.randn(words, channels, generator=generator)
    scales = -torch.rand(words, generator=generator)
    got = residual_encoding(x, codewords, scales)
    torch.testing.assert_close(got.double(), literal_encoding(x, codewords, scales), rtol=1e-4, atol=1e-5)


def test_a_single_codeword_takes_every_residual() -> None:
    x, codeword = torch.tensor([[[1.0, 2.0], [5.0, 4.0]]]), torch.tensor([[1.0, 1.0]])
    # The softmax over one word is 1: (1 - 1) + (5 - 1) = 4 and (2 - 1) + (4 - 1) = 4.
    encoding = residual_encoding(x, codeword, torch.tensor([-0.3]))
    torch.testing.assert_close(encoding, torch.tensor([[[4.0, 4.0]]]))


def test_encoding_stays_in_float32() -> None:
    x = torch.full((1, 10_000, 2), 30.0, dtype=torch.float16)
    encoding = residual_encoding(x, torch.zeros(1, 2), torch.zeros(1))
    # 10,000 x 30 = 300,000 is beyond the largest float16, 65,504.
    torch.testing.assert_close(encoding, torch.full((1, 1, 2), 300_000.0))


def test_gate_lies_between_once_and_twice_the_input() -> None:
    torch.manual_seed(0)
    layer, x = LearnableVisualCenter(8, codewords=4).eval(), torch.randn(2, 8, 5, 6)
    encoding = residual_encoding(layer.cbs(x).flatten(2).mT, layer.codewords, layer.scales)
    words = layer.act(layer.norm(encoding)).mean(1)
    gate = torch.sigmoid(words @ layer.fc.weight.T + layer.fc.bias)
    torch.testing.assert_close(layer(x), nn.functional.silu(x * (1 + gate[:, :, None, None])))


def test_global_branch_is_two_residual_blocks() -> None:
    torch.manual_seed(0)
    layer, x = GlobalMLP(8).eval(), torch.randn(2, 8, 5, 6)
    for block in (layer.depthwise, layer.channel):
        nn.init.ones_(block[-1].gamma)
    y = x + layer.depthwise[1](layer.depthwise[0](x))
    hidden = nn.functional.gelu(layer.channel[1](layer.channel[0](y)))
    torch.testing.assert_close(layer(x), y + layer.channel[3](hidden))


def test_layer_scale_starts_the_branches_near_silence() -> None:
    x = torch.randn(1, 4, 2, 2)
    torch.testing.assert_close(LayerScale(4)(x), x * 1e-5)


def parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_parameters_of_the_local_branch() -> None:
    c, words = 128, 64
    cbs = c * c + 2 * c
    codebook = words * c + words  # codewords and their scales
    norm = 2 * words
    fc = c * c + c
    assert cbs + codebook + norm + fc == 41_536
    assert parameters(LearnableVisualCenter(c)) == 41_536


def test_parameters_of_the_global_branch() -> None:
    c = 128
    depthwise = 2 * c + (9 * c + 2 * c) + c  # group norm, depthwise 3 x 3 with its norm, layer scale
    channel = 2 * c + (c * 4 * c + 4 * c) + (4 * c * c + c) + c  # group norm, MLP with biases, layer scale
    assert depthwise + channel == 133_888
    assert parameters(GlobalMLP(c)) == 133_888
