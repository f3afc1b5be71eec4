"""SimAM against arithmetic by hand.

The two branches of the explicit visual centre.

AESVC: stem, two branches, SimAM.
"""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from ultra_face.nn.aesvc import AESVC, GlobalMLP, LayerScale, LearnableVisualCenter, SimAM, residual_encoding, simam


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def test_two_by_two_map_by_hand() -> None:
    x = torch.tensor([[[[1.0, 2.0], [3.0, 6.0]]]])
    # Mean (1 + 2 + 3 + 6) / 4 = 3; squared distances 4, 1, 0, 9; variance over 3 neighbours 14 / 3, so that
    # d^2 / (4 x 14 / 3) = 3 d^2 / 56; then 1/2 is added.
    weights = [sigmoid(3 * 4 / 56 + 0.5), sigmoid(3 * 1 / 56 + 0.5), sigmoid(0.5), sigmoid(3 * 9 / 56 + 0.5)]
    expected = torch.tensor([[[[1 * weights[0], 2 * weights[1]], [3 * weights[2], 6 * weights[3]]]]])
    torch.testing.assert_close(simam(x, regularisation=0.0), expected)


def test_regularisation_is_added_to_the_variance() -> None:
    x = torch.tensor([[[[-1.0, 1.0]]]])
    # Mean 0, squared distances 1, variance over 1 neighbour 2; with 3 added: 1 / (4 x 5) + 1/2.
    torch.testing.assert_close(SimAM(3.0)(x), x * sigmoid(1 / 20 + 0.5))


@pytest.mark.parametrize("size", [(1, 1), (3, 5)], ids=["one position", "flat map"])
def test_nothing_stands_out(size: tuple[int, int]) -> None:
    x = torch.full((2, 3, *size), 7.0)
    torch.testing.assert_close(simam(x), x * sigmoid(0.5))


def test_channels_and_images_are_weighed_on_their_own() -> None:
    x = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    alone = torch.stack([torch.stack([simam(c[None, None])[0, 0] for c in image]) for image in x])
    torch.testing.assert_close(simam(x), alone)


def test_no_parameters() -> None:
    assert list(SimAM().parameters()) == []


def test_half_precision_keeps_the_attention() -> None:
    # The squares of 6,400 values around 10 sum to 640,000, ten times the largest number of half precision.
    x = 10 * torch.randn(1, 2, 80, 80, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(simam(x.half()).float(), simam(x), rtol=2e-3, atol=2e-3)


def literal_encoding(x: Tensor, codewords: Tensor, scales: Tensor) -> Tensor:
    """Equation 2 of Deep TEN, one position, codeword and channel at a time: O(B N K C)."""
    encoding = torch.zeros(len(x), *codewords.shape, dtype=torch.float64)
    for image, positions in enumerate(x.mT.tolist()):
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
    x = torch.randn(batch, channels, positions, generator=generator)
    codewords = torch.randn(words, channels, generator=generator)
    scales = -torch.rand(words, generator=generator)
    got = residual_encoding(x, codewords, scales)
    torch.testing.assert_close(got.double(), literal_encoding(x, codewords, scales), rtol=1e-4, atol=1e-5)


def test_a_single_codeword_takes_every_residual() -> None:
    x, codeword = torch.tensor([[[1.0, 5.0], [2.0, 4.0]]]), torch.tensor([[1.0, 1.0]])
    # The softmax over one word is 1: (1 - 1) + (5 - 1) = 4 and (2 - 1) + (4 - 1) = 4.
    encoding = residual_encoding(x, codeword, torch.tensor([-0.3]))
    torch.testing.assert_close(encoding, torch.tensor([[[4.0, 4.0]]]))


def test_encoding_stays_in_float32() -> None:
    x = torch.full((1, 2, 10_000), 30.0, dtype=torch.float16)
    encoding = residual_encoding(x, torch.zeros(1, 2), torch.zeros(1))
    # 10,000 x 30 = 300,000 is beyond the largest float16, 65,504.
    torch.testing.assert_close(encoding, torch.full((1, 1, 2), 300_000.0))


def test_gate_lies_between_once_and_twice_the_input() -> None:
    torch.manual_seed(0)
    layer, x = LearnableVisualCenter(8, codewords=4).eval(), torch.randn(2, 8, 5, 6)
    encoding = residual_encoding(layer.cbs(x).flatten(2), layer.codewords, layer.scales)
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


def parameters_of_aesvc(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_parameters_at_the_width_of_yolov5n() -> None:
    layer, c = AESVC(128, 128), 128
    stem = 7 * 7 * c * c + 2 * c
    assert parameters_of_aesvc(layer.stem) == stem == 803_072
    assert parameters_of_aesvc(layer) == 803_072 + 133_888 + 41_536 == 978_496


def test_a_smaller_stem_is_an_argument() -> None:
    # 49 - 9 = 40 fewer weights for each pair of channels.
    assert parameters_of_aesvc(AESVC(128, 128)) - parameters_of_aesvc(AESVC(128, 128, 3)) == 40 * 128 * 128


def test_both_branches_see_the_stem_and_simam_fuses_their_sum() -> None:
    torch.manual_seed(0)
    layer, x = AESVC(8, 16).eval(), torch.randn(2, 8, 7, 9)
    stem = layer.stem(x)
    torch.testing.assert_close(layer(x), simam(layer.global_branch(stem) + layer.local_branch(stem)))
