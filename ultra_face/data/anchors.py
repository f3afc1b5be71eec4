"""Anchor shapes fitted to the boxes of a training set, and how well anchors cover boxes.

All sizes are widths and heights in pixels at the training image size. Clustering: k-means with the distance
1 - IoU of boxes that share a corner. Source: Redmon and Farhadi, YOLO9000, section 2; YOLOv5n-AESVC, Table 1.
Deviation: a cluster moves to the median of its members, and a seeded hill climb then raises the mean coverage
that the matching rule of the head sees.
"""

from __future__ import annotations

import numpy as np

from ultra_face.data.cleaning import MIN_BOX_SIDE
from ultra_face.formats.annotation import FloatArray
from ultra_face.losses.settings import RATIO_LIMIT

WIDER_FACE_ANCHORS = (
    ((4, 5), (6, 7), (8, 11)),
    ((12, 15), (17, 21), (24, 30)),
    ((33, 42), (48, 67), (67, 87)),
    ((110, 155), (167, 233), (248, 387)),
)
"""Width and height [px] for the levels P2 to P5 at 640 px. Source: YOLOv5n-AESVC, Table 1."""


def scale_to_training(wh: FloatArray, *, width: int, height: int, training_size: int) -> FloatArray:
    """Scale normalised box sizes (N, 2) of a `width` x `height` image to pixels (N, 2) at `training_size`."""
    scaled: FloatArray = wh * np.array([width, height]) * (training_size / max(width, height))
    return scaled


def learnable(wh: FloatArray) -> FloatArray:
    """The boxes (N, 2) [px] with both sides at least 2 px, which training can learn and anchors can fit.

    Smaller ones are slips of the mouse, or faces of a larger image; Ultralytics' augmentation drops them too.
    """
    kept: FloatArray = wh[(wh >= MIN_BOX_SIDE).all(axis=1)]
    return kept


def best_possible_recall(wh: FloatArray, anchors: FloatArray, *, ratio_limit: float = RATIO_LIMIT) -> float:
    """Fraction of boxes (N, 2) [px] that at least one anchor (A, 2) [px] may be matched with.

    A match needs width and height to differ by a factor below `ratio_limit`, the rule by which the anchor
    head assigns boxes.

    Raises:
        ValueError: Boxes or anchors are missing, not positive, or not of shape (N, 2).
    """
    distance = _log_ratio(_checked(wh, "boxes"), _checked(anchors, "anchors")).min(axis=1)
    return float((distance < np.log(ratio_limit)).mean())


def mean_best_iou(wh: FloatArray, anchors: FloatArray) -> float:
    """Mean over boxes (N, 2) [px] of the IoU with the best anchor (A, 2) [px], aligned at a corner.

    Raises:
        ValueError: Boxes or anchors are missing, not positive, or not of shape (N, 2).
    """
    return float(corner_iou(_checked(wh, "boxes"), _checked(anchors, "anchors")).max(axis=1).mean())


def corner_iou(wh: FloatArray, anchors: FloatArray) -> FloatArray:
    """IoU (N, A) of boxes (N, 2) and anchors (A, 2) that share a corner."""
    intersection = np.minimum(wh[:, None], anchors[None]).prod(axis=2)
    iou: FloatArray = intersection / (wh.prod(axis=1)[:, None] + anchors.prod(axis=1)[None] - intersection)
    return iou


def kmeans_anchors(
    wh: FloatArray,
    num_anchors: int,
    *,
    seed: int = 0,
    ratio_limit: float = RATIO_LIMIT,
    max_iterations: int = 100,
    refinements: int = 1000,
) -> FloatArray:
    """Fit `num_anchors` anchors to boxes (N, 2) [px]; returns them (A, 2) [px], sorted by area.

    Args:
        wh: Widths and heights of the boxes.
        num_anchors: How many anchors to fit.
        seed: Seed of the refinement; the clustering itself is deterministic.
        ratio_limit: See `best_possible_recall`.
        max_iterations: Limit of the clustering, which usually ends earlier by itself.
        refinements: Number of mutations that the hill climb tries.

    Raises:
        ValueError: There are fewer boxes than anchors, or the boxes are not positive or not of shape (N, 2).
    """
    wh = _checked(wh, "boxes")
    if len(wh) < num_anchors or num_anchors < 1:
        raise ValueError(
            f"expected at least one anchor and as many boxes as anchors, got {num_anchors} anchors and "
            f"{len(wh)} boxes; ask for fewer anchors or give more labels"
        )
    anchors = _cluster(wh, num_anchors, max_iterations)
    anchors = _refine(wh, anchors, np.random.default_rng(seed), ratio_limit, refinements)
    return _sorted_by_area(anchors)


def _cluster(wh: FloatArray, num_anchors: int, max_iterations: int) -> FloatArray:
    """k-means from boxes at evenly spaced quantiles of the area."""
    by_area = _sorted_by_area(wh)
    anchors: FloatArray = by_area[((np.arange(num_anchors) + 0.5) / num_anchors * len(wh)).astype(int)]
    nearest = np.full(len(wh), -1)
    for _ in range(max_iterations):
        previous, nearest = nearest, corner_iou(wh, anchors).argmax(axis=1)
        if (nearest == previous).all():
            break
        for index in np.unique(nearest):
            anchors[index] = np.median(wh[nearest == index], axis=0)
    return anchors


def _refine(
    wh: FloatArray, anchors: FloatArray, rng: np.random.Generator, ratio_limit: float, refinements: int
) -> FloatArray:
    """Stretch one anchor at a time by a random factor and keep what raises the mean coverage."""
    anchors = anchors.copy()
    distances = _log_ratio(wh, anchors)
    best = _coverage(distances, ratio_limit)
    for index, stretch in zip(
        rng.integers(len(anchors), size=refinements), rng.normal(0.0, 0.1, size=(refinements, 2)), strict=True
    ):
        candidate = anchors[index] * np.exp(stretch)
        kept, distances[:, index] = distances[:, index].copy(), _log_ratio(wh, candidate[None])[:, 0]
        score = _coverage(distances, ratio_limit)
        if score > best:
            best, anchors[index] = score, candidate
        else:
            distances[:, index] = kept
    return anchors


def _coverage(distances: FloatArray, ratio_limit: float) -> float:
    """Mean over boxes of the best anchor's min(w/aw, aw/w, h/ah, ah/h), counted as 0 where it is no match."""
    nearest = distances.min(axis=1)
    return float(np.where(nearest < np.log(ratio_limit), np.exp(-nearest), 0.0).mean())


def _log_ratio(wh: FloatArray, anchors: FloatArray) -> FloatArray:
    """Logarithm (N, A) of max(w/aw, aw/w, h/ah, ah/h)."""
    difference: FloatArray = np.abs(np.log(wh)[:, None] - np.log(anchors)[None]).max(axis=2)
    return difference


def _sorted_by_area(wh: FloatArray) -> FloatArray:
    ordered: FloatArray = wh[np.argsort(wh.prod(axis=1), kind="stable")]
    return ordered


def _checked(wh: FloatArray, what: str) -> FloatArray:
    wh = np.asarray(wh, dtype=np.float64)
    if wh.ndim != 2 or wh.shape[1] != 2 or len(wh) == 0:
        raise ValueError(f"expected {what} of shape (N, 2) with N > 0, got {wh.shape}")
    bad = np.flatnonzero(~(np.isfinite(wh) & (wh > 0)).all(axis=1))
    if len(bad):
        width, height = wh[bad[0]]
        raise ValueError(f"expected {what} of positive finite size, got {width:g} x {height:g} in row {bad[0]}")
    return wh
