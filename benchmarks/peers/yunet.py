"""YuNet. Source: Wu et al. 2023; the files of ShiqiYu/libfacedetection.train."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.detector import Array, Detector, Pixels, joined
from benchmarks.peers.grid import Grid, decode_landmarks, grid


def decode_boxes(values: Array, places: Grid) -> Array:
    """Centre in the cell [strides] and logarithm of the size in strides (N, 4) -> corners (N, 4) [input px]."""
    center, half = places.cells + values[:, :2], np.exp(values[:, 2:]) / 2
    return np.concatenate([center - half, center + half], axis=1) * places.strides


class YuNet(Detector):
    """Twelve outputs: class, objectness, box and landmarks, each at strides 8, 16, 32; one anchor a cell."""

    NAME = "YuNet"
    WIDTHS = (1, 1, 1, 1, 1, 1, 4, 4, 4, 10, 10, 10)
    PIXELS = Pixels()
    NMS_IOU = 0.45

    @cached_property
    def places(self) -> Grid:
        """The cells of the input."""
        return grid(self.size)

    def scores(self, outputs: Sequence[Array]) -> Array:
        """Geometric mean of class and objectness."""
        return np.sqrt(joined(outputs[:3])[:, 0] * joined(outputs[3:6])[:, 0])

    def boxes(self, outputs: Sequence[Array], found: NDArray[np.int64]) -> Array:
        """Corners (n, 4) [input px]."""
        return decode_boxes(joined(outputs[6:9])[found], self.places[found])

    def landmarks(self, outputs: Sequence[Array], found: NDArray[np.int64]) -> Array:
        """Landmarks (n, 5, 2) [input px]."""
        return decode_landmarks(joined(outputs[9:])[found], self.places[found])
