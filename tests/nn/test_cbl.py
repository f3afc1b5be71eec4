"""CBL: the stock convolution with another activation."""

from __future__ import annotations

import torch
from torch.nn import functional as F  # noqa: N812  (the field's name for it)
from ultralytics.nn.modules.conv import Conv

from ultra_face.nn.cbl import CBL


def test_leaky_relu_follows_convolution_and_norm() -> None:
    torch.manual_seed(0)
    layer, x = CBL(3, 8, 3, 2).eval(), torch.randn(2, 3, 9, 10)
    torch.testing.assert_close(layer(x), F.leaky_relu(layer.bn(layer.conv(x)), 0.1))


def test_the_stock_convolution_keeps_its_activation() -> None:
    CBL(3, 8)
    assert isinstance(Conv(3, 8).act, torch.nn.SiLU)
