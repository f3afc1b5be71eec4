"""The best anchors of each face. Source: SimOTA of YOLOX (Ge et al. 2021), as YOLOv7 (Wang et al. 2022) uses it.

Deviation: the overlap is CIoU held at or above 0, as everywhere in this loss; both sources take IoU.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy

OVERLAP_WEIGHT = 3.0  # of -ln(overlap) beside the class term, in both sources
EPS = 1e-7


def simota(face: Tensor, slot: Tensor, overlap: Tensor, cost: Tensor, *, candidates: int) -> Tensor:
    """Which positives stay: for each face the k of lowest cost, and of a slot's faces the one of lowest cost.

    k is the summed overlap of the face's so many best, rounded down, at least 1: a face that many anchors place well
    keeps many of them.

    Args:
        face: face of each positive (M,).
        slot: anchor and cell of each positive, as one number (M,).
        overlap: with the face (M,), 0..1.
        cost: see `matching_cost` (M,).
        candidates: how many of the best count for k; 10 in both sources.

    Returns:
        Mask (M,).
    """
    best = rank_within(face, -overlap) < candidates
    k = torch.bincount(face[best], weights=overlap[best]).floor().clamp(min=1)
    kept = rank_within(face, cost) < k[face]
    _, place = torch.unique(slot, return_inverse=True)
    lowest = torch.full_like(cost, torch.inf).scatter_reduce_(0, place[kept], cost[kept], "amin")
    return kept & (cost <= lowest[place])


def matching_cost(overlap: Tensor, probability: Tensor, one_hot: Tensor) -> Tensor:
    """What it costs to let a positive find its face: overlap (M,), class probabilities and classes (M, nc) -> (M,).

    The class term is the cross-entropy of sqrt(objectness x class), so `probability` is that product.
    """
    root = probability.sqrt().clamp(EPS, 1 - EPS)
    class_cost = binary_cross_entropy(root, one_hot, reduction="none").sum(1)
    return class_cost - OVERLAP_WEIGHT * overlap.clamp(min=EPS).log()


def rank_within(group: Tensor, values: Tensor) -> Tensor:
    """Place of each value among those of its group, the smallest 0: (M,) and (M,) -> (M,)."""
    by_value = values.argsort(stable=True)
    order = by_value[group[by_value].argsort(stable=True)]
    counts = torch.bincount(group)
    first = (counts.cumsum(0) - counts)[group[order]]
    rank = torch.empty_like(order)
    rank[order] = torch.arange(len(order), device=order.device) - first
    return rank
