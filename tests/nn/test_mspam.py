"""MSPAM: equations 1 and 2 literally, and that both attentions run in parallel."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  (the field's name for it)

from ultra_face.nn.mspam import MSPAM, MultiScaleSpatialAttention


def test_both_attentions_see_the_same_features() -> None:
    torch.manual_seed(0)
    layer, seen = MSPAM(8, 32).eval(), {}
    layer.cbs.register_forward_hook(lambda _, __, output: seen.update(cbs=output))
    layer.channel.register_forward_hook(lambda _, inputs, output: seen.update(channel=(*inputs, output)))
    layer.spatial.register_forward_hook(lambda _, inputs, output: seen.update(spatial=(*inputs, output)))
    y = layer(torch.randn(2, 8, 6, 7))

    assert seen["channel"][0] is seen["cbs"]
    assert seen["spatial"][0] is seen["cbs"]
    torch.testing.assert_close(y, seen["cbs"] * (seen["channel"][1] + seen["spatial"][1]))


def test_neutral_attentions_halve_the_features_twice() -> None:
    layer, x = MSPAM(4, 16).eval(), torch.randn(1, 4, 5, 5)
    for attention in (layer.channel, layer.spatial):
        for parameter in attention.parameters():
            nn.init.zeros_(parameter)
    # Both weights are sigmoid(0) = 1/2, and x / 2 + x / 2 = x.
    torch.testing.assert_close(layer(x), layer.cbs(x))


def test_spatial_attention_is_equation_one_and_two() -> None:
    torch.manual_seed(0)
    attention, x = MultiScaleSpatialAttention(), torch.randn(2, 8, 9, 10)
    pooled = torch.stack([x.mean(1), x.max(1).values], 1)
    point_wise, *separable = attention.paths
    paths = [F.conv2d(pooled, point_wise.weight)]
    for k, (depthwise, mix) in zip((3, 5, 7), separable, strict=True):
        assert depthwise.weight.shape == (2, 1, k, k)
        paths.append(F.conv2d(F.conv2d(pooled, depthwise.weight, padding=k // 2, groups=2), mix.weight))
    logits = F.conv2d(torch.cat(paths, 1), attention.reduce.weight, attention.reduce.bias)
    weights: Tensor = attention(x)
    assert weights.shape == (2, 1, 9, 10)
    torch.testing.assert_close(weights, 1 / (1 + (-logits).exp()))


def test_spatial_attention_reaches_three_positions_far() -> None:
    attention, x = MultiScaleSpatialAttention(), torch.randn(1, 4, 15, 15, requires_grad=True)
    attention(x)[0, 0, 7, 7].backward()
    rows, columns = x.grad.abs().sum((0, 1)).nonzero(as_tuple=True)
    # The largest kernel is 7 x 7: 3 positions to each side of the middle.
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (4, 10, 4, 10)


def test_parameters() -> None:
    c1, c2 = 256, 128
    cbs = c1 * c2 + 2 * c2
    channel = 2 * c2 * (c2 // 16)
    # 1 x 1 on two channels; for each scale two kernels and a 1 x 1; at last 1 x 1 with bias from 8 channels.
    spatial = 4 + sum(2 * k * k + 4 for k in (3, 5, 7)) + (8 + 1)
    assert spatial == 191
    assert sum(p.numel() for p in MSPAM(c1, c2).parameters()) == cbs + channel + spatial == 35_263
