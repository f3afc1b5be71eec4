"""CGS and its group norm."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812  (the field's name for it)

from ultra_face.nn.cgs import CGS, CGSBottleneck, group_norm


@pytest.mark.parametrize(
    ("channels", "groups"),
    [
        (8, 1),  # less than one group of 16
        (16, 1),
        (40, 2),  # 40 // 16 = 2 groups of 20
        (56, 2),  # 56 // 16 = 3 does not divide 56, 2 does
        (128, 8),
    ],
)
def test_groups_hold_about_sixteen_channels(channels: int, groups: int) -> None:
    assert group_norm(channels).num_groups == groups


def test_cgs_is_convolution_norm_silu() -> None:
    torch.manual_seed(0)
    layer, x = CGS(4, 32, 3, 2), torch.randn(2, 4, 9, 11)
    convolved = F.conv2d(x, layer.conv.weight, stride=2, padding=1)
    # Two groups of 16 channels, each normalised over channels and positions; weight 1, bias 0 at the start.
    groups = convolved.view(2, 2, -1)
    centred = groups - groups.mean(2, keepdim=True)
    expected = (centred / (centred.square().mean(2, keepdim=True) + 1e-5).sqrt()).view_as(convolved)
    torch.testing.assert_close(layer(x), expected * expected.sigmoid())


def test_the_norm_is_an_argument() -> None:
    assert isinstance(CGS(4, 8, norm=nn.BatchNorm2d).norm, nn.BatchNorm2d)


def test_bottleneck_adds_to_its_input() -> None:
    torch.manual_seed(0)
    layer, x = CGSBottleneck(16), torch.randn(2, 16, 5, 5)
    nn.init.zeros_(layer.cv2.norm.weight)  # silu(0) = 0, so the branch is silent
    torch.testing.assert_close(layer(x), x)
