"""SCRFD with landmarks. Source: Guo et al. 2021; the files of hpc203/scrfd-opencv (detector of insightface)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.detector import Array, Detector, Pixels, joined
from benchmarks.peers.grid import Grid, decode_landmarks, grid

ANCHORS_PER_CELL = 2


def decode_boxes(distances: Array, places: Grid) -> Array:
    """Left, top, right, bottom (N, 4) [strides] from the cell's top left corner -> corners (N, 4) [input px]."""
    return np.concatenate([places.cells - distances[:, :2], places.cells + distances[:, 2:]], axis=1) * places.strides


class SCRFD(Detector):
    """Nine outputs: score, box distances and landmark offsets, each at strides 8, 16, 32; two anchors a cell."""

    NAME = "SCRFD"
    WIDTHS = (1, 1, 1, 4, 4, 4, 10, 10, 10)
    PIXELS = Pixels(mean=(127.5, 127.5, 127.5), scale=1 / 128, rgb=True)
    NMS_IOU = 0.45

    @cached_property
    def places(self) -> Grid:
        """The cells of the input."""
        return grid(self.size, per_cell=ANCHORS_PER_CELL)

    def scores(self, outputs: Sequence[Array]) -> Array:
        """The network's own, after its sigmoid."""
        return joined(outputs[:3])[:, 0]

    def boxes(self, outputs: Sequence[Array], found: NDArray[np.int64]) -> Array:
        """Corners (n, 4) [input px]."""
        return decode_boxes(joined(outputs[3:6])[found], self.places[found])

    def landmarks(self, outputs: Sequence[Array], found: NDArray[np.int64]) -> Array:
        """Landmarks (n, 5, 2) [input px]."""
        return decode_landmarks(joined(outputs[6:])[found], self.places[found])
