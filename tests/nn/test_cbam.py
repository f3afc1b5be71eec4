"""The channel attention that MSPAM and CBAM share.

CBAM: attention in series.
"""

from __future__ import annotations

import pytest
import torch
from torch import nn

from ultra_face.nn.cbam import CBAM, ChannelAttention, pool_channels


def test_average_and_maximum_share_one_mlp() -> None:
    torch.manual_seed(0)
    attention, x = ChannelAttention(32), torch.randn(2, 32, 3, 4)
    inner, outer = attention.mlp[0].weight.flatten(1), attention.mlp[2].weight.flatten(1)
    assert inner.shape == (2, 32)  # reduction 16

    def mlp(pooled: torch.Tensor) -> torch.Tensor:
        return (pooled @ inner.T).clamp(min=0) @ outer.T

    expected = (mlp(x.mean((2, 3))) + mlp(x.flatten(2).max(2).values)).sigmoid()
    torch.testing.assert_close(attention(x), expected[..., None, None])


def test_fewer_channels_than_the_reduction_keep_one_hidden_unit() -> None:
    assert ChannelAttention(8).mlp[0].out_channels == 1


def test_pool_channels_by_hand() -> None:
    x = torch.tensor([1.0, 2.0, 6.0]).view(1, 3, 1, 1)
    # Average (1 + 2 + 6) / 3, then the maximum.
    torch.testing.assert_close(pool_channels(x).flatten(), torch.tensor([3.0, 6.0]))


def test_spatial_attention_sees_the_features_weighed_by_channel() -> None:
    torch.manual_seed(0)
    layer, x = CBAM(8, 32).eval(), torch.randn(2, 8, 6, 7)
    features = layer.cbs(x)
    by_channel = features * layer.channel(features)
    torch.testing.assert_close(layer(x), by_channel * layer.spatial(pool_channels(by_channel)).sigmoid())


def test_neutral_attentions_quarter_the_features() -> None:
    layer, x = CBAM(4, 16).eval(), torch.randn(1, 4, 5, 5)
    for parameter in (*layer.channel.parameters(), *layer.spatial.parameters()):
        nn.init.zeros_(parameter)
    # sigmoid(0) = 1/2, twice in a row.
    torch.testing.assert_close(layer(x), layer.cbs(x) / 4)


@pytest.mark.parametrize("k", [3, 7])
def test_parameters(k: int) -> None:
    c1, c2 = 256, 128
    # CBS, the shared MLP with reduction 16, one k x k kernel from two channels to one.
    expected = (c1 * c2 + 2 * c2) + 2 * c2 * (c2 // 16) + 2 * k * k
    assert sum(p.numel() for p in CBAM(c1, c2, k).parameters()) == expected
