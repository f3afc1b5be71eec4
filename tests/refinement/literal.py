"""Slow and plain counterparts of the tensor code, and boxes to try both on."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def random_boxes(batch: int, count: int, *, seed: int, extent: float = 100.0, largest: float = 30.0) -> Tensor:
    """Boxes xyxy (B, N, 4), sides from 2 to `largest`, that begin within `extent` [px]."""
    generator = torch.Generator().manual_seed(seed)
    left_top = torch.rand(batch, count, 2, generator=generator) * extent
    size = 2 + torch.rand(batch, count, 2, generator=generator) * (largest - 2)
    return torch.cat([left_top, left_top + size], dim=2)


def greedy_nms(overlap: Tensor, threshold: float) -> list[int]:
    """Indices that stay, of boxes sorted from best to worst: each is compared with those that stayed before it."""
    kept: list[int] = []
    for box in range(len(overlap)):
        if all(float(overlap[better, box]) <= threshold for better in kept):
            kept.append(box)
    return kept


def greedy_cover(shown_by: Sequence[set[int]], promise: Sequence[float], count: int) -> list[set[int]]:
    """Faces that each of `count` windows adds: always the window, of all, whose new faces promise most."""
    left, added = set(range(len(promise))), []
    for _ in range(count):
        best = max(shown_by, key=lambda faces: sum(promise[face] for face in faces & left))
        added.append({face for face in best & left if promise[face] > 0})
        left -= best
    return added
