"""Suppression inside the network, by CIoU. Source: SR-YOLOv5, section 2 ("CIoU and NMS"); Zheng et al. 2020 and 2021.

Non-maximum suppression as tensor code of fixed shape, with any overlap, after cluster NMS: SR-YOLOv5 judges candidates
by "CIoU and NMS ... several times through the cyclic structure", which is the loop below, with CIoU.

Deviation: off unless the `ciou_nms` of the `sr:` block switches it on.

Boxes that overlap but have their centres apart, as faces in a crowd do, survive a CIoU threshold where IoU drops them.
Ultralytics' own NMS runs afterwards. IoU is never below CIoU, so give it a higher threshold (`iou=0.9`): with the same
one it would drop them after all.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ultra_face.refinement.geometry import LEAST_SCORE, best_columns, corners, pairwise_ciou

ROUNDS = 8
"""Rounds of an exported graph. A box whose fate hangs on a chain of more boxes than this may be kept wrongly."""

EXPORTED_LIMIT = 1000
"""Predictions an image that an exported graph judges, by score; the others are left out."""

LIMIT = 5000
"""The same elsewhere, where only predictions above `LEAST_SCORE` are judged: a crowd has thousands."""

ROWS_AT_ONCE = 256
"""Boxes compared with all others at a time, which bounds the memory."""


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


def suppress_by_ciou(predictions: Tensor, num_classes: int, *, threshold: float, fixed: bool = False) -> Tensor:
    """Keep the columns that survive, best scores first; the scores of the others become 0.

    Args:
        predictions: (B, 4 + nc + K x D, N) with centre and size first.
        num_classes: nc; boxes of unlike best classes do not suppress each other.
        threshold: CIoU above which the worse of two boxes goes.
        fixed: the number of columns and rounds must not depend on the scores, for export.

    Returns:
        (B, 4 + nc + K x D, M).
    """
    first, last = 4, 4 + num_classes
    limit, above, rounds = (EXPORTED_LIMIT, None, ROUNDS) if fixed else (LIMIT, LEAST_SCORE, None)
    judged, _ = best_columns(predictions, predictions[:, first:last].amax(dim=1), limit, above=above)
    label, boxes = judged[:, first:last].argmax(dim=1), corners(judged)
    blocks = [boxes] if fixed else torch.split(boxes, ROWS_AT_ONCE, dim=1)
    overlap = torch.cat([pairwise_ciou(block, boxes) for block in blocks], dim=1)
    overlap = torch.where(label.unsqueeze(2) == label.unsqueeze(1), overlap, torch.full_like(overlap, -1.0))
    kept = surviving(overlap, threshold, rounds=rounds).unsqueeze(1).to(judged.dtype)
    return torch.cat([judged[:, :first], judged[:, first:last] * kept, judged[:, last:]], dim=1)
