"""Which annotated face each detection claims.

A detection claims the face of its image that it overlaps most, if they overlap enough, whether or not another
detection claims that face too: the protocol has no one-to-one assignment. So the claim of a detection depends
on no other detection and on no subset, and one pass serves every threshold, subset, event and size band.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_PAIRS_AT_ONCE = 1_000_000  # bounds the memory of one IoU matrix: about 8 arrays of 8 MB


def inclusive_iou(boxes_xywh: NDArray[np.float64], others_xywh: NDArray[np.float64]) -> NDArray[np.float64]:
    """Intersection over union with corners counted as pixels, as in every published evaluator of WIDER FACE.

    A box from x to x + w covers w + 1 columns, so two boxes of width 0 at one place overlap fully.

    Args:
        boxes_xywh: (n, 4) left, top, width, height [px].
        others_xywh: (m, 4) likewise. Negative sizes, which the annotations hold, overlap nothing.

    Returns:
        (n, m) in 0..1.
    """
    left, top, right, bottom = _corners(boxes_xywh)
    other_left, other_top, other_right, other_bottom = _corners(others_xywh)
    width = np.minimum.outer(right, other_right) - np.maximum.outer(left, other_left) + 1
    height = np.minimum.outer(bottom, other_bottom) - np.maximum.outer(top, other_top) + 1
    overlapping = (width > 0) & (height > 0)
    intersection = np.where(overlapping, width * height, 0.0)
    area = (right - left + 1) * (bottom - top + 1)
    other_area = (other_right - other_left + 1) * (other_bottom - other_top + 1)
    iou: NDArray[np.float64] = np.zeros_like(width)
    np.divide(intersection, np.add.outer(area, other_area) - intersection, out=iou, where=overlapping)
    return iou


def _corners(boxes_xywh: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    left, top, width, height = boxes_xywh.T
    return left, top, left + width, top + height


def claim_faces(
    detections_xywh: NDArray[np.float64], faces_xywh: NDArray[np.float64], iou_threshold: float
) -> NDArray[np.int64]:
    """Which face each detection of one image overlaps most: the first of equals, -1 below the threshold.

    Args:
        detections_xywh: (n, 4) [px].
        faces_xywh: (m, 4) [px].
        iou_threshold: lowest inclusive IoU that claims a face.

    Returns:
        (n,) face indices or -1.
    """
    claims = np.full(len(detections_xywh), -1, np.int64)
    if not len(faces_xywh):
        return claims
    step = max(1, _PAIRS_AT_ONCE // len(faces_xywh))
    for start in range(0, len(detections_xywh), step):
        iou = inclusive_iou(detections_xywh[start : start + step], faces_xywh)
        best = iou.argmax(axis=1)
        enough = iou[np.arange(len(best)), best] >= iou_threshold
        claims[start : start + step] = np.where(enough, best, -1)
    return claims
