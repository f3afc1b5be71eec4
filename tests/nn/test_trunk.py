"""StemBlock: two paths to stride 4.

SPP with kernels 3, 5 and 7.

CBL: the stock convolution with another activation.

ShuffleNetV2 stages: the shuffle is the group transpose of the paper, half of the channels pass, counts add up.
"""

from __future__ import annotations

import torch
from torch.nn import functional as F  # noqa: N812  (the field's name for it)
from ultralytics.nn.modules.conv import Conv

from ultra_face.nn.trunk import CBL, SPP357, ShuffleDown, ShuffleStage, ShuffleUnit, StemBlock, interleave


def test_convolved_and_pooled_path_are_fused() -> None:
    torch.manual_seed(0)
    layer, x = StemBlock(3, 16).eval(), torch.randn(2, 3, 32, 24)
    entry = layer.entry(x)
    assert entry.shape == (2, 16, 16, 12)
    paths = torch.cat([layer.down(layer.squeeze(entry)), F.max_pool2d(entry, 2)], 1)
    torch.testing.assert_close(layer(x), layer.fuse(paths))


def test_parameters() -> None:
    c1, c2 = 3, 32
    half = c2 // 2
    convolutions = 9 * c1 * c2 + c2 * half + 9 * half * c2 + 2 * c2 * c2
    norms = 2 * (c2 + half + c2 + c2)
    assert sum(p.numel() for p in StemBlock(c1, c2).parameters()) == convolutions + norms


def test_pools_with_kernels_three_five_seven() -> None:
    torch.manual_seed(0)
    layer, x = SPP357(16, 24).eval(), torch.randn(2, 16, 9, 8)
    entry = layer.cv1(x)
    pooled = [F.max_pool2d(entry, k, stride=1, padding=k // 2) for k in (3, 5, 7)]
    torch.testing.assert_close(layer(x), layer.cv2(torch.cat([entry, *pooled], 1)))


def test_spp_parameters() -> None:
    c1, c2 = 16, 24
    # 1 x 1 to half of the input's channels, 1 x 1 from it and its three pools; two norm values a channel.
    half = c1 // 2
    expected = (c1 * half + 2 * half) + (4 * half * c2 + 2 * c2)
    assert sum(p.numel() for p in SPP357(c1, c2).parameters()) == expected


def test_leaky_relu_follows_convolution_and_norm() -> None:
    torch.manual_seed(0)
    layer, x = CBL(3, 8, 3, 2).eval(), torch.randn(2, 3, 9, 10)
    torch.testing.assert_close(layer(x), F.leaky_relu(layer.bn(layer.conv(x)), 0.1))


def test_the_stock_convolution_keeps_its_activation() -> None:
    CBL(3, 8)
    assert isinstance(Conv(3, 8).act, torch.nn.SiLU)


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


def test_shuffle_parameters() -> None:
    c1, c2, n = 24, 32, 4
    half = c2 // 2
    # Convolution without bias, two norm values a channel; a depth-wise 3 x 3 has 9 weights a channel.
    down = (9 * c1 + 2 * c1 + c1 * half + 2 * half) + (c1 * half + 2 * half + 11 * half + half * half + 2 * half)
    unit = 2 * (half * half + 2 * half) + 11 * half
    assert sum(p.numel() for p in ShuffleStage(c1, c2, n).parameters()) == down + (n - 1) * unit
