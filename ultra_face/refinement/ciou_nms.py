"""CIoU-based suppression inside the network. Source: SR-YOLOv5, section 2 ("CIoU and NMS"); Zheng et al. 2020.

Boxes that overlap but have their centres apart, as faces in a crowd do, survive a CIoU threshold where IoU drops them.
Ultralytics' own NMS runs afterwards. IoU is never below CIoU, so give it a higher threshold (`iou=0.9`): with the same
one it would drop them after all.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ultra_face.refinement.integration import corners
from ultra_face.refinement.overlap import pairwise_ciou
from ultra_face.refinement.suppression import surviving

LIMIT = 1000
"""Predictions an image that are judged, by score; the others are left out."""


def suppress_by_ciou(
    predictions: Tensor, num_classes: int, *, threshold: float, rounds: int | None = None, limit: int = LIMIT
) -> Tensor:
    """Keep the columns that survive, best scores first; the scores of the others become 0.

    Args:
        predictions: (B, 4 + nc + K x D, N) with centre and size first.
        num_classes: nc; boxes of unlike best classes do not suppress each other.
        threshold: CIoU above which the worse of two boxes goes.
        rounds: see `surviving`.
        limit: number of columns judged.

    Returns:
        (B, 4 + nc + K x D, min(N, limit)).
    """
    best, label = predictions[:, 4 : 4 + num_classes].max(dim=1)
    index = best.topk(min(limit, best.shape[1]), dim=1).indices
    judged = predictions.gather(2, index.unsqueeze(1).expand(-1, predictions.shape[1], -1))
    label = label.gather(1, index)
    boxes = corners(judged)
    overlap = pairwise_ciou(boxes, boxes)
    overlap = torch.where(label.unsqueeze(2) == label.unsqueeze(1), overlap, torch.full_like(overlap, -1.0))
    kept = surviving(overlap, threshold, rounds=rounds).unsqueeze(1).to(judged.dtype)
    first, last = 4, 4 + num_classes
    return torch.cat([judged[:, :first], judged[:, first:last] * kept, judged[:, last:]], dim=1)
