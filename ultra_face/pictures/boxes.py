"""Boxes in the plane of an image: which pixels they cover, which of them overlap, which lie inside a polygon."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ultra_face.pictures.pixels import Pixels

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Region:
    """The pixels that a box touches, at least one, whether or not the image has them.

    Attributes:
        left, top, right, bottom: of these pixels; right and bottom are the first ones beyond.
        rows, columns: those of them that lie in the image.
    """

    left: int
    top: int
    right: int
    bottom: int
    rows: slice
    columns: slice

    @classmethod
    def of(cls, box_xyxy: NDArray[Any], height: int, width: int) -> Region:
        """The region of a box (4,) [px] in an image of this size."""
        left, top = np.floor(box_xyxy[:2]).astype(int).tolist()
        right, bottom = np.maximum(np.ceil(box_xyxy[2:]).astype(int), [left + 1, top + 1]).tolist()
        return cls(left, top, right, bottom, _within(top, bottom, height), _within(left, right, width))

    @property
    def inner(self) -> tuple[slice, slice]:
        """Rows and columns of the visible pixels, counted from the region's own corner."""
        return (
            slice(self.rows.start - self.top, self.rows.stop - self.top),
            slice(self.columns.start - self.left, self.columns.stop - self.left),
        )


def _within(start: int, stop: int, length: int) -> slice:
    start = min(max(start, 0), length)
    return slice(start, min(max(stop, start), length))


def areas(boxes_xyxy: NDArray[Any]) -> FloatArray:
    """Areas (N,) of boxes (N, 4) [px^2]; 0 where the corners are the wrong way round."""
    sides = np.maximum(boxes_xyxy[:, 2:].astype(np.float64) - boxes_xyxy[:, :2], 0)
    return np.asarray(sides.prod(axis=1), np.float64)


def grow(boxes_xyxy: NDArray[Any], scale: float) -> FloatArray:
    """Boxes (N, 4) with sides `scale` times as long about the same centres."""
    boxes = boxes_xyxy.astype(np.float64)
    centres, halves = (boxes[:, :2] + boxes[:, 2:]) / 2, (boxes[:, 2:] - boxes[:, :2]) / 2
    return np.concatenate([centres - scale * halves, centres + scale * halves], axis=1)


def crop(image: Pixels, boxes_xyxy: NDArray[Any], *, margin: float, square: bool) -> list[Pixels]:
    """Copies of what boxes show, a list as their sizes differ; see `Faces.crop`."""
    height, width = image.shape[:2]
    boxes = grow(boxes_xyxy, 1 + 2 * margin)
    if not square:
        # A box beside the image shows its nearest pixel, so that no crop is empty.
        first = np.minimum(np.maximum(boxes[:, :2], 0), [width - 1, height - 1])
        regions = [Region.of(box, height, width) for box in np.concatenate([first, boxes[:, 2:]], axis=1)]
        return [image[region.rows, region.columns].copy() for region in regions]
    sides = np.maximum(np.ceil((boxes[:, 2:] - boxes[:, :2]).max(axis=1, initial=0)).astype(int), 1)
    corners = np.round((boxes[:, :2] + boxes[:, 2:]) / 2 - sides[:, None] / 2)
    crops = []
    for side, corner in zip(sides.tolist(), corners, strict=True):
        region = Region.of(np.concatenate([corner, corner + side]), height, width)
        canvas = np.zeros((side, side, *image.shape[2:]), np.uint8)
        canvas[region.inner] = image[region.rows, region.columns]
        crops.append(canvas)
    return crops


def suppress(boxes_xyxy: NDArray[Any], scores: NDArray[Any], *, iou: float) -> NDArray[np.bool_]:
    """Which boxes (N,) greedy non-maximum suppression keeps: no better one that stays overlaps them by more."""
    order = np.argsort(-scores, kind="stable")
    kept = np.zeros(len(order), bool)
    kept[order[greedy(*overlapping(boxes_xyxy[order].astype(np.float64), iou))]] = True
    return kept


Same = Callable[[int, NDArray[Any], slice], NDArray[np.bool_]]
"""Of a box, its intersections with all after it, and where those are: which of them mean the same face."""


def overlapping(boxes_xyxy: NDArray[Any], iou: float) -> tuple[NDArray[Any], Same]:
    """What `greedy` takes, where boxes (N, 4) that overlap by more than `iou` mean the same face."""
    area = areas(boxes_xyxy)

    def same(one: int, shared: NDArray[Any], others: slice) -> NDArray[np.bool_]:
        return np.asarray(shared > iou * (area[one] + area[others] - shared))

    return boxes_xyxy, same


def greedy(boxes_xyxy: NDArray[Any], same: Same) -> NDArray[np.intp]:
    """Indices of the boxes (N, 4), sorted best first, that no better box which stays means the same face as."""
    left, top, right, bottom = np.ascontiguousarray(boxes_xyxy.T)
    stays = np.ones(len(boxes_xyxy), np.bool_)
    for one in range(len(boxes_xyxy)):
        if not stays[one]:
            continue
        others = slice(one + 1, None)
        width = np.minimum(right[one], right[others]) - np.maximum(left[one], left[others])
        height = np.minimum(bottom[one], bottom[others]) - np.maximum(top[one], top[others])
        stays[others] &= ~same(one, width.clip(min=0) * height.clip(min=0), others)
    return np.flatnonzero(stays)


def inside(points: NDArray[Any], polygon: NDArray[Any]) -> NDArray[np.bool_]:
    """Which points (N, 2) lie inside a polygon (K, 2): a ray to their right crosses an odd number of its edges."""
    x, y = points.astype(np.float64).T[:, :, None]
    (x1, y1), (x2, y2) = polygon.T, np.roll(polygon, -1, axis=0).T
    crosses = (y1 <= y) != (y2 <= y)
    with np.errstate(divide="ignore", invalid="ignore"):  # level edges, which no ray crosses
        where = x1 + (y - y1) / (y2 - y1) * (x2 - x1)
    return np.asarray((crosses & (where > x)).sum(axis=1) % 2 == 1)
