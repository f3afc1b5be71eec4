"""CBAM: attention in series."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from ultra_face.nn.attention import pool_channels
from ultra_face.nn.cbam import CBAM


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
