"""Which annotated face each detection claims, and one-to-one pairs of predicted and annotated faces.

In the WIDER FACE protocol a detection claims the face of its image that it overlaps most, if they overlap enough,
whether or not another detection claims that face too: the protocol has no one-to-one assignment. So the claim of a
detection depends on no other detection and on no subset, and one pass serves every threshold, subset, event and size
band. To compare landmarks, faces are paired one to one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ultra_face.faces import Faces
from ultra_face.formats.annotation import FaceAnnotations

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


@dataclass(frozen=True, eq=False)
class FacePairs:
    """Predicted landmarks beside annotated ones.

    Attributes:
        predicted: (N, K, 2) [px].
        annotated: (N, K, 2) [px].
        visible: (N, K) True where the landmark is annotated.
        boxes_xywh: (N, 4) annotated boxes [px].
        num_annotated: annotated faces with at least one landmark, paired or not.
    """

    predicted: NDArray[np.float64]
    annotated: NDArray[np.float64]
    visible: NDArray[np.bool_]
    boxes_xywh: NDArray[np.float64]
    num_annotated: int


def pair_faces(
    boxes_xywh: NDArray[np.float64],
    scores: NDArray[np.float64],
    annotated_xywh: NDArray[np.float64],
    *,
    iou_threshold: float = 0.5,
) -> NDArray[np.int64]:
    """Pair boxes one to one: by falling score, each with the free annotated box that it overlaps most.

    Args:
        boxes_xywh: (n, 4) [px].
        scores: (n,).
        annotated_xywh: (m, 4) [px].
        iou_threshold: lowest inclusive IoU of a pair.

    Returns:
        (p, 2) rows of the index of a box and the index of an annotated box.
    """
    if not len(annotated_xywh):
        return np.zeros((0, 2), np.int64)
    iou = inclusive_iou(boxes_xywh, annotated_xywh)
    pairs = []
    order = np.argsort(-scores, kind="stable")
    for box in order[iou[order].max(axis=1) >= iou_threshold]:
        face = int(iou[box].argmax())
        if iou[box, face] >= iou_threshold:
            pairs.append((box, face))
            iou[:, face] = -1.0
    return np.array(pairs, np.int64).reshape(-1, 2)


def pair_landmarks(faces: Faces, annotated: FaceAnnotations, *, iou_threshold: float = 0.5) -> FacePairs:
    """Pair the faces of one image; annotated faces without any landmark take no part."""
    visible = annotated.landmarks[..., 2] > 0
    usable = np.flatnonzero(visible.any(axis=1))
    scores = faces.scores.astype(np.float64)
    pairs = pair_faces(faces.boxes_xywh, scores, annotated.boxes_xywh[usable], iou_threshold=iou_threshold)
    of_annotated = usable[pairs[:, 1]]
    return FacePairs(
        predicted=faces.landmarks[pairs[:, 0]].astype(np.float64),
        annotated=annotated.landmarks[of_annotated, :, :2],
        visible=visible[of_annotated],
        boxes_xywh=annotated.boxes_xywh[of_annotated],
        num_annotated=len(usable),
    )


def pair_images(
    predictions: Mapping[str, Faces],
    annotations: Mapping[str, FaceAnnotations],
    *,
    iou_threshold: float = 0.5,
) -> FacePairs:
    """Pair the faces of all images that have annotations; where one has no predictions, nothing was found."""
    nothing = Faces(np.zeros((0, 4)), np.zeros((0, 5, 2)), np.zeros(0))
    return join_pairs(
        pair_landmarks(predictions.get(name, nothing), annotations[name], iou_threshold=iou_threshold)
        for name in annotations
    )


def join_pairs(parts: Iterable[FacePairs], *, num_landmarks: int = 5) -> FacePairs:
    """Pairs of several images in one."""
    parts = list(parts)
    return FacePairs(
        predicted=np.concatenate([np.zeros((0, num_landmarks, 2)), *(part.predicted for part in parts)]),
        annotated=np.concatenate([np.zeros((0, num_landmarks, 2)), *(part.annotated for part in parts)]),
        visible=np.concatenate([np.zeros((0, num_landmarks), np.bool_), *(part.visible for part in parts)]),
        boxes_xywh=np.concatenate([np.zeros((0, 4)), *(part.boxes_xywh for part in parts)]),
        num_annotated=sum(part.num_annotated for part in parts),
    )
