"""Non-maximum suppression as tensor code of fixed shape, with any overlap. Source: cluster NMS (Zheng et al. 2021).

SR-YOLOv5 judges candidates by "CIoU and NMS ... several times through the cyclic structure": the loop below, with CIoU.
"""

from __future__ import annotations

import torch
from torch import Tensor

ROUNDS = 8
"""Rounds of an exported graph. A box whose fate hangs on a chain of more boxes than this may be kept wrongly."""


def surviving(overlap: Tensor, threshold: float, *, rounds: int | None = None) -> Tensor:
    """Which of the boxes, sorted from best to worst, greedy suppression keeps.

    In each round a box stays if no better box that stayed in the round before overlaps it; the fixed point is the
    result of greedy NMS, reached after as many rounds as the longest chain of overlapping boxes.

    Args:
        overlap: of each box with each (B, N, N), in the order of falling scores.
        threshold: overlap above which the worse of two boxes goes.
        rounds: fixed number of rounds, for a graph without loops; by default until nothing changes.

    Returns:
        (B, N), true for boxes that stay.
    """
    suppresses = (overlap > threshold).triu(diagonal=1).float()
    kept = torch.ones(overlap.shape[:2], device=overlap.device)
    for _ in range(overlap.shape[1] if rounds is None else rounds):
        better_ones = (kept.unsqueeze(1) @ suppresses).squeeze(1)  # a product is several times as quick as `any`
        now = (better_ones == 0).float()
        if rounds is None and torch.equal(now, kept):
            break
        kept = now
    return kept > 0
