"""YOLO5Face. Source: Qi et al. 2022; the files of deepcam-cn/yolov5-face, exported before the decoding."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.detector import Array, Detector, Pixels, joined
from benchmarks.peers.grid import STRIDES, Grid, grid

# Width and height of the anchors at strides 8, 16, 32 [input px].
ANCHORS = (((4, 5), (8, 10), (13, 16)), ((23, 29), (43, 55), (73, 105)), ((146, 217), (231, 300), (335, 433)))
BOX, OBJECTNESS, LANDMARKS, CLASS = slice(0, 4), 4, slice(5, 15), 15


def sigmoid(logits: Array) -> Array:
    """Values in 0..1; in this form it does not overflow."""
    return (np.tanh(logits / 2) + 1) / 2


def decode_boxes(logits: Array, places: Grid, anchors: Array) -> Array:
    """Logits (N, 4), cells and anchors (N, 2) [input px] -> corners (N, 4) [input px]."""
    gate = 2 * sigmoid(logits)
    center = (gate[:, :2] - 0.5 + places.cells) * places.strides
    half = gate[:, 2:] ** 2 * anchors / 2
    return np.concatenate([center - half, center + half], axis=1)


def decode_landmarks(values: Array, places: Grid, anchors: Array) -> Array:
    """Values x, y in turn (N, 10) [anchors] from the cell's top left corner -> (N, 5, 2) [input px]."""
    return values.reshape(-1, 5, 2) * anchors[:, None] + (places.cells * places.strides)[:, None]


class YOLO5Face(Detector):
    """Three outputs, one a stride: maps (1, 3, rows, columns, 16) of logits and landmark values for three anchors."""

    NAME = "YOLO5Face"
    WIDTHS = (16, 16, 16)
    PIXELS = Pixels(scale=1 / 255, rgb=True, fill=(114, 114, 114))
    NMS_IOU = 0.5

    @cached_property
    def places(self) -> Grid:
        """The cells of the input, the whole map once for each anchor."""
        levels = [grid(self.size, strides=[stride]) for stride in STRIDES for _ in ANCHORS[0]]
        cells, strides = (np.concatenate(part) for part in zip(*((a.cells, a.strides) for a in levels), strict=True))
        return Grid(cells, strides)

    @cached_property
    def anchors(self) -> Array:
        """The anchor of each cell (N, 2) [input px]."""
        counts = [len(grid(self.size, strides=[stride]).cells) for stride in STRIDES for _ in ANCHORS[0]]
        return np.array(ANCHORS, np.float32).reshape(-1, 2).repeat(counts, axis=0)

    def scores(self, outputs: Sequence[Array]) -> Array:
        """Objectness x class."""
        rows = joined(outputs)
        return sigmoid(rows[:, OBJECTNESS]) * sigmoid(rows[:, CLASS])

    def boxes(self, outputs: Sequence[Array], found: NDArray[np.int64]) -> Array:
        """Corners (n, 4) [input px]."""
        return decode_boxes(joined(outputs)[found, BOX], self.places[found], self.anchors[found])

    def landmarks(self, outputs: Sequence[Array], found: NDArray[np.int64]) -> Array:
        """Landmarks (n, 5, 2) [input px]."""
        return decode_landmarks(joined(outputs)[found, LANDMARKS], self.places[found], self.anchors[found])
