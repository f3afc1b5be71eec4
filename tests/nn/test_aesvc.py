"""AESVC: stem, two branches, SimAM."""

from __future__ import annotations

import torch
from torch import nn

from ultra_face.nn.aesvc import AESVC
from ultra_face.nn.simam import simam


def parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_parameters_at_the_width_of_yolov5n() -> None:
    layer, c = AESVC(128, 128), 128
    stem = 7 * 7 * c * c + 2 * c
    assert parameters(layer.stem) == stem == 803_072
    assert parameters(layer) == 803_072 + 133_888 + 41_536 == 978_496


def test_a_smaller_stem_is_an_argument() -> None:
    # 49 - 9 = 40 fewer weights for each pair of channels.
    assert parameters(AESVC(128, 128)) - parameters(AESVC(128, 128, 3)) == 40 * 128 * 128


def test_both_branches_see_the_stem_and_simam_fuses_their_sum() -> None:
    torch.manual_seed(0)
    layer, x = AESVC(8, 16).eval(), torch.randn(2, 8, 7, 9)
    stem = layer.stem(x)
    torch.testing.assert_close(layer(x), simam(layer.global_branch(stem) + layer.local_branch(stem)))
