"""The channel attention that MSPAM and CBAM share."""

from __future__ import annotations

import torch

from ultra_face.nn.attention import ChannelAttention, pool_channels


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
