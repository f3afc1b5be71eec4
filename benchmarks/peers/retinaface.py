"""RetinaFace with MobileNet-0.25. Source: Deng et al. 2020; the file of ShiqiYu/libfacedetection.train."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.detector import Array, Detector, Pixels
from benchmarks.peers.priors import decode_boxes, decode_landmarks, priors

SIDES = {8: (16, 32), 16: (64, 128), 32: (256, 512)}  # of the priors at each stride [input px]


class RetinaFace(Detector):
    """Three outputs over all priors: box, background and face, landmarks. The file takes inputs of any size."""

    NAME = "RetinaFace"
    WIDTHS = (4, 2, 10)
    PIXELS = Pixels(mean=(104, 117, 123), fill=(104, 117, 123))
    NMS_IOU = 0.4

    @cached_property
    def priors(self) -> Array:
        """The priors of the input (N, 4)."""
        return priors(self.size, SIDES, density={})

    def scores(self, outputs: Sequence[Array]) -> Array:
        """The network's own, after its softmax."""
        return outputs[1][0, :, 1]

    def boxes(self, outputs: Sequence[Array], found: NDArray[np.int64]) -> Array:
        """Corners (n, 4) [input px]."""
        return decode_boxes(outputs[0][0, found], self.priors[found])

    def landmarks(self, outputs: Sequence[Array], found: NDArray[np.int64]) -> Array:
        """Landmarks (n, 5, 2) [input px]."""
        return decode_landmarks(outputs[2][0, found], self.priors[found])
