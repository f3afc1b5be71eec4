"""Ultra-Light-Fast-Generic-Face-Detector with RFB, without landmarks. Source: the files of Linzaer's repository."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.detector import Array, Detector, Pixels
from benchmarks.peers.view import Image, View, stretch


def decode_boxes(corners: Array, size: tuple[int, int]) -> Array:
    """Corners (N, 4) as shares of width and height -> corners (N, 4) [input px]."""
    return corners * np.array([*size, *size], np.float32)


class RFB(Detector):
    """Two outputs: background and face; corners. The photograph is stretched to the input."""

    NAME = "RFB"
    WIDTHS = (2, 4)
    PIXELS = Pixels(mean=(127, 127, 127), scale=1 / 128, rgb=True)
    NMS_IOU = 0.3
    CANDIDATES = 1500  # as the authors have it: what is no face scores about 0.05 here, not 0

    def lay(self, image: Image) -> tuple[Image, View]:
        """Photograph (H, W, 3) -> canvas (height, width, 3), and the view."""
        return stretch(image, self.size)

    def scores(self, outputs: Sequence[Array]) -> Array:
        """The network's own, after its softmax."""
        return outputs[0][0, :, 1]

    def boxes(self, outputs: Sequence[Array], found: NDArray[np.int64]) -> Array:
        """Corners (n, 4) [input px]."""
        return decode_boxes(outputs[1][0, found], self.size)
