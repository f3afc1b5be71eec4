"""Suppression: of boxes that mean the same face the best stays, within a pass and over passes, in NumPy alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ultra_face.pictures.boxes import areas, greedy, overlapping

FloatArray = NDArray[np.floating[Any]]
Indices = NDArray[np.intp]

SAME_FACE = 0.5
"""Share of the smaller of two boxes, found in different views, from which on they mean the same face."""


def suppress(boxes_xyxy: FloatArray, scores: FloatArray, *, iou: float) -> Indices:
    """Greedy suppression within one pass.

    Args:
        boxes_xyxy: (N, 4).
        scores: (N,).
        iou: intersection over union above which the lower of two boxes goes; classes are not told apart.

    Returns:
        Indices of the boxes that stay, best first.
    """
    order = _best_first(boxes_xyxy, scores)
    return order[greedy(*overlapping(boxes_xyxy[order], iou))]


def merge(boxes_xyxy: FloatArray, scores: FloatArray, views: NDArray[np.intp], is_cut: NDArray[np.bool_]) -> Indices:
    """Greedy suppression over views of one photograph, which have been suppressed each.

    A part of a face lies within the whole face, so what counts is the intersection over the smaller box. Boxes of one
    view are not compared again: the network that saw both told them apart.

    Args:
        boxes_xyxy: (N, 4) [px of the photograph].
        scores: (N,).
        views: number of the view that each was found in (N,).
        is_cut: whether an inner edge of its view may cut the face (N,); such a box goes for any other on its face.

    Returns:
        Indices of the boxes that stay, best first. They do not depend on the order of the views.
    """
    order = _best_first(boxes_xyxy, scores, is_cut)
    boxes, seen_in = boxes_xyxy[order], views[order]
    area = areas(boxes)

    def same(one: int, intersections: FloatArray, others: slice) -> NDArray[np.bool_]:
        within = intersections > SAME_FACE * np.minimum(area[one], area[others])
        return np.asarray(within & (seen_in[others] != seen_in[one]))

    kept = order[greedy(boxes, same)]
    return kept[_best_first(boxes_xyxy[kept], scores[kept])]


def _best_first(boxes_xyxy: FloatArray, scores: FloatArray, last: NDArray[np.bool_] | None = None) -> Indices:
    """Indices by falling score, those of the mask `last` behind all others; the place decides between equals."""
    keys = (*boxes_xyxy.T, -scores)
    return np.lexsort(keys if last is None else (*keys, last))
