"""Non-maximum suppression, one for all detectors."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def suppress(
    boxes_xyxy: NDArray[np.float32], scores: NDArray[np.float32], *, iou_threshold: float, num_candidates: int
) -> NDArray[np.int64]:
    """Keep the best of every group of boxes that overlap more than the threshold.

    Args:
        boxes_xyxy: corners (N, 4) [px].
        scores: (N,), above 0.
        iou_threshold: two boxes that overlap more are one face.
        num_candidates: only so many of the best take part.

    Returns:
        Indices of the kept boxes, best first.
    """
    boxes_xywh = np.concatenate([boxes_xyxy[:, :2], boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]], axis=1, dtype=np.float64)
    return np.asarray(cv2.dnn.NMSBoxes(boxes_xywh, scores, 0.0, iou_threshold, top_k=num_candidates), np.int64).reshape(
        -1
    )
