"""One-to-one pairs of predicted and annotated faces, for comparing their landmarks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ultra_face.eval.matching import inclusive_iou


@dataclass(frozen=True, eq=False)
class LandmarkFaces:
    """Faces of one image.

    Attributes:
        boxes_xywh: (n, 4) left, top, width, height [px].
        landmarks: (n, K, 2) [px].
        visible: (n, K) True where the landmark is annotated or predicted.
        scores: (n,).
    """

    boxes_xywh: NDArray[np.float64]
    landmarks: NDArray[np.float64]
    visible: NDArray[np.bool_]
    scores: NDArray[np.float64]


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


def pair_landmarks(faces: LandmarkFaces, annotated: LandmarkFaces, *, iou_threshold: float = 0.5) -> FacePairs:
    """Pair the faces of one image; annotated faces without any landmark take no part."""
    usable = np.flatnonzero(annotated.visible.any(axis=1))
    pairs = pair_faces(faces.boxes_xywh, faces.scores, annotated.boxes_xywh[usable], iou_threshold=iou_threshold)
    of_annotated = usable[pairs[:, 1]]
    return FacePairs(
        predicted=faces.landmarks[pairs[:, 0]],
        annotated=annotated.landmarks[of_annotated],
        visible=annotated.visible[of_annotated],
        boxes_xywh=annotated.boxes_xywh[of_annotated],
        num_annotated=len(usable),
    )


def pair_images(
    predictions: Mapping[str, LandmarkFaces],
    annotations: Mapping[str, LandmarkFaces],
    *,
    iou_threshold: float = 0.5,
) -> FacePairs:
    """Pair the faces of all images that have annotations; where one has no predictions, nothing was found."""
    nothing = LandmarkFaces(np.zeros((0, 4)), np.zeros((0, 5, 2)), np.zeros((0, 5), np.bool_), np.zeros(0))
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
