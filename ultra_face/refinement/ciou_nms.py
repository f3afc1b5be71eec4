"""CIoU-based suppression inside the network. Source: SR-YOLOv5, section 2 ("CIoU and NMS"); Zheng et al. 2020.

Deviation: off unless the `ciou_nms` of the `sr:` block switches it on.

Boxes that overlap but have their centres apart, as faces in a crowd do, survive a CIoU threshold where IoU drops them.
Ultralytics' own NMS runs afterwards. IoU is never below CIoU, so give it a higher threshold (`iou=0.9`): with the same
one it would drop them after all.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ultra_face.refinement.integration import LEAST_SCORE, best_columns, corners
from ultra_face.refinement.overlap import pairwise_ciou
from ultra_face.refinement.suppression import ROUNDS, surviving

EXPORTED_LIMIT = 1000
"""Predictions an image that an exported graph judges, by score; the others are left out."""

LIMIT = 5000
"""The same elsewhere, where only predictions above `LEAST_SCORE` are judged: a crowd has thousands."""

ROWS_AT_ONCE = 256
"""Boxes compared with all others at a time, which bounds the memory."""


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
