"""SPP with kernels 3, 5 and 7."""

from __future__ import annotations

import torch
from torch.nn import functional as F  # noqa: N812  (the field's name for it)

from ultra_face.nn.spp import SPP357


def test_pools_with_kernels_three_five_seven() -> None:
    torch.manual_seed(0)
    layer, x = SPP357(16, 24).eval(), torch.randn(2, 16, 9, 8)
    entry = layer.cv1(x)
    pooled = [F.max_pool2d(entry, k, stride=1, padding=k // 2) for k in (3, 5, 7)]
    torch.testing.assert_close(layer(x), layer.cv2(torch.cat([entry, *pooled], 1)))


def test_parameters() -> None:
    c1, c2 = 16, 24
    # 1 x 1 to half of the input's channels, 1 x 1 from it and its three pools; two norm values a channel.
    half = c1 // 2
    expected = (c1 * half + 2 * half) + (4 * half * c2 + 2 * c2)
    assert sum(p.numel() for p in SPP357(c1, c2).parameters()) == expected
