"""StemBlock: two paths to stride 4."""

from __future__ import annotations

import torch
from torch.nn import functional as F  # noqa: N812  (the field's name for it)

from ultra_face.nn.stem import StemBlock


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
