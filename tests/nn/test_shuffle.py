"""ShuffleNetV2 stages: the shuffle is the group transpose of the paper, half of the channels pass, counts add up."""

from __future__ import annotations

import torch

from ultra_face.nn.shuffle import ShuffleDown, ShuffleStage, ShuffleUnit, interleave


def test_interleaving_is_the_shuffle_of_two_groups() -> None:
    # Zhang et al. 2017, ShuffleNet: reshape the channels to (groups, n), transpose, flatten.
    left, right = torch.randn(2, 2, 3, 4, 5)
    stacked = torch.cat([left, right], 1)
    torch.testing.assert_close(interleave(left, right), stacked.view(2, 2, 3, 4, 5).transpose(1, 2).reshape(2, 6, 4, 5))


def test_half_of_the_channels_pass_a_basic_unit_unchanged() -> None:
    torch.manual_seed(0)
    layer, x = ShuffleUnit(8).eval(), torch.randn(2, 8, 5, 6)
    y = layer(x)
    torch.testing.assert_close(y[:, 0::2], x[:, :4], rtol=0, atol=0)
    torch.testing.assert_close(y[:, 1::2], layer.branch(x[:, 4:]))


def test_both_branches_of_the_strided_unit_see_every_channel() -> None:
    torch.manual_seed(0)
    layer, x = ShuffleDown(6, 8).eval(), torch.randn(1, 6, 7, 8, requires_grad=True)
    y = layer(x)
    assert y.shape == (1, 8, 4, 4)
    for branch in (y[:, 0::2], y[:, 1::2]):
        (seen,) = torch.autograd.grad(branch.square().sum(), x, retain_graph=True)
        assert seen.any(3).any(2).all()


def test_a_stage_is_one_strided_and_n_less_one_basic_units() -> None:
    stage = ShuffleStage(6, 8, 3)
    assert [type(unit) for unit in stage] == [ShuffleDown, ShuffleUnit, ShuffleUnit]


def test_parameters() -> None:
    c1, c2, n = 24, 32, 4
    half = c2 // 2
    # Convolution without bias, two norm values a channel; a depth-wise 3 x 3 has 9 weights a channel.
    down = (9 * c1 + 2 * c1 + c1 * half + 2 * half) + (c1 * half + 2 * half + 11 * half + half * half + 2 * half)
    unit = 2 * (half * half + 2 * half) + 11 * half
    assert sum(p.numel() for p in ShuffleStage(c1, c2, n).parameters()) == down + (n - 1) * unit
