"""CGS and its group norm.

MC4f: the counts of DESIGN, the flow of figure 2, its errors.
"""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  (the field's name for it)
from ultralytics.nn.modules.block import C3

from ultra_face.nn.mc4f import CGS, CGSBottleneck, MC4f, group_norm


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
    assert isinstance(CGS(4, 8, norm="batch").norm, nn.BatchNorm2d)


def test_bottleneck_adds_to_its_input() -> None:
    torch.manual_seed(0)
    layer, x = CGSBottleneck(16), torch.randn(2, 16, 5, 5)
    nn.init.zeros_(layer.cv2.norm.weight)  # silu(0) = 0, so the branch is silent
    torch.testing.assert_close(layer(x), x)


# Channels and repeats of the four stages of YOLOv5n's backbone: widths x 0.25, depths [3, 6, 9, 3] x 0.33.
BACKBONE_N = [(32, 1), (64, 2), (128, 3), (256, 1)]


def parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def derived_parameters(c1: int, c2: int, n: int) -> int:
    """Weights of a k x k convolution k^2 c_in c_out, weight and bias of its norm 2 c_out; c is half of c2."""
    c = c2 // 2
    split = c1 * 2 * c + 2 * 2 * c
    bottleneck = 2 * (9 * c * c + 2 * c)
    fuse = (2 + n) * c * c2 + 2 * c2
    residual = c1 * c2 + 2 * c2
    compress = c2 * c2 + 2 * c2
    return split + n * bottleneck + fuse + residual + compress


@pytest.mark.parametrize(("c1", "c2", "n"), [(32, 32, 1), (48, 64, 2), (256, 256, 1)])
def test_parameters_follow_the_widths(c1: int, c2: int, n: int) -> None:
    assert parameters(MC4f(c1, c2, n)) == derived_parameters(c1, c2, n)


def test_backbone_counts_of_yolov5n() -> None:
    stages = [derived_parameters(c, c, n) for c, n in BACKBONE_N]
    assert stages == [9_536, 58_112, 313_088, 592_384]
    assert sum(parameters(MC4f(c, c, n)) for c, n in BACKBONE_N) == sum(stages) == 973_120
    # What they replace.
    assert sum(parameters(C3(c, c, n)) for c, n in BACKBONE_N) == 487_360


def test_forward_follows_the_figure() -> None:
    torch.manual_seed(0)
    layer, x = MC4f(12, 32, 2).eval(), torch.randn(2, 12, 6, 7)
    first, second = layer.cv1(x)[:, :16], layer.cv1(x)[:, 16:]
    third = second + layer.bottlenecks[0].cv2(layer.bottlenecks[0].cv1(second))
    fourth = third + layer.bottlenecks[1].cv2(layer.bottlenecks[1].cv1(third))
    fused = layer.cv2(torch.cat([first, second, third, fourth], 1))
    torch.testing.assert_close(layer(x), layer.cv4(fused + layer.cv3(x)))


def test_residual_path_carries_the_signal_past_the_bottlenecks() -> None:
    torch.manual_seed(0)
    layer, x = MC4f(8, 8, 1), torch.randn(2, 8, 4, 4)
    nn.init.zeros_(layer.cv2.norm.weight)  # silu(0) = 0: what is left is cv4(cv3(x))
    torch.testing.assert_close(layer(x), layer.cv4(layer.cv3(x)))


def test_group_norm_sees_one_image_at_a_time_and_batch_norm_all() -> None:
    def influence_of_another_image(norm: str) -> Tensor:
        torch.manual_seed(0)
        layer, x = MC4f(8, 16, 1, norm).train(), torch.randn(2, 8, 4, 4)
        return (layer(x)[0] - layer(torch.cat([x[:1], 5 * x[1:]]))[0]).abs().max()

    assert influence_of_another_image("group") < 1e-5
    assert influence_of_another_image("batch") > 1e-2


def test_batch_norm_has_the_same_parameters() -> None:
    assert parameters(MC4f(16, 32, 2, "batch")) == parameters(MC4f(16, 32, 2, "group"))


def test_odd_width_is_refused() -> None:
    with pytest.raises(ValueError, match="MC4f: c2 must be even, got 15; choose a width"):
        MC4f(16, 15)


def test_unknown_norm_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match="unknown norm 'layer'; known are group, batch"):
        MC4f(16, 16, norm="layer")
