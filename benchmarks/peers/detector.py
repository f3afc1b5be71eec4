"""What all detectors share: three steps from a photograph to faces, and a file that is checked once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.session import input_size, open_session
from benchmarks.peers.suppression import suppress
from benchmarks.peers.view import Image, View, letterbox
from ultra_face.faces import Faces

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Pixels:
    """The values that a network takes: (pixel - mean) x scale.

    Attributes:
        mean: one a channel, in the network's channel order.
        scale: factor after subtraction.
        rgb: channels red, green, blue; else as OpenCV reads them.
        fill: colour beside the photograph in a letterbox, blue, green, red.
    """

    mean: tuple[float, float, float] = (0, 0, 0)
    scale: float = 1.0
    rgb: bool = False
    fill: tuple[int, int, int] = (0, 0, 0)


class Detector(ABC):
    """A face detector in an ONNX file.

    Args:
        file: ONNX file.
        size: side of the square input [px] where the file leaves it open; 640 unless given.
        num_threads: threads of ONNX Runtime.
        confidence: lowest score of a face; by default so low that curves of precision and recall are complete.
        nms_iou: two boxes that overlap more are one face; that of the detector's authors unless given.

    Raises:
        FileNotFoundError: no such file.
        ValueError: the file is not this detector's, or does not take the size.
    """

    NAME: ClassVar[str]
    WIDTHS: ClassVar[tuple[int, ...]]  # last dimension of each output
    PIXELS: ClassVar[Pixels]
    NMS_IOU: ClassVar[float]
    CANDIDATES: ClassVar[int] = 5000  # at most so many of the best enter the suppression

    def __init__(
        self,
        file: str | Path,
        *,
        size: int | None = None,
        num_threads: int = 1,
        confidence: float = 0.02,
        nms_iou: float | None = None,
    ) -> None:
        self.session = open_session(file, detector=self.NAME, widths=self.WIDTHS, num_threads=num_threads)
        self.size = input_size(self.session, file, size)
        self.confidence = confidence
        self.nms_iou = self.NMS_IOU if nms_iou is None else nms_iou

    def __call__(self, image: Image) -> Faces:
        """Photograph (H, W, 3) BGR -> its faces [px of the photograph]; landmarks NaN where there are none."""
        tensor, view = self.preprocess(image)
        return self.decode(self.infer(tensor), view)

    def preprocess(self, image: Image) -> tuple[Array, View]:
        """Photograph (H, W, 3) BGR -> input (1, 3, height, width) and how the photograph lies in it."""
        canvas, view = self.lay(image)
        pixels = self.PIXELS
        return cv2.dnn.blobFromImage(canvas, pixels.scale, mean=pixels.mean, swapRB=pixels.rgb), view

    def infer(self, tensor: Array) -> list[Array]:
        """Input (1, 3, height, width) -> the raw outputs."""
        outputs: list[Array] = self.session.run(None, {self.session.get_inputs()[0].name: tensor})
        return outputs

    def decode(self, outputs: Sequence[Array], view: View) -> Faces:
        """Raw outputs -> faces of enough confidence, best first, duplicates suppressed [px of the photograph].

        A box whose corners are in the wrong order, as networks without an exponential may give, is none.
        """
        scores = self.scores(outputs)
        found = np.flatnonzero(scores >= self.confidence)
        boxes = self.boxes(outputs, found)
        proper = (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
        found, boxes = found[proper], boxes[proper]
        kept = suppress(boxes, scores[found], iou_threshold=self.nms_iou, num_candidates=self.CANDIDATES)
        found, boxes = found[kept], boxes[kept]
        return Faces(
            view.to_photograph(boxes.reshape(-1, 2, 2)).reshape(-1, 4),
            view.to_photograph(self.landmarks(outputs, found)),
            scores[found],
        )

    def lay(self, image: Image) -> tuple[Image, View]:
        """Photograph (H, W, 3) -> canvas (height, width, 3) of the input's size, and the view."""
        return letterbox(image, self.size, fill=self.PIXELS.fill)

    @abstractmethod
    def scores(self, outputs: Sequence[Array]) -> Array:
        """Raw outputs -> score of every candidate (N,)."""

    @abstractmethod
    def boxes(self, outputs: Sequence[Array], found: NDArray[np.int64]) -> Array:
        """Raw outputs and indices (n,) of candidates -> their corners (n, 4) [input px]."""

    def landmarks(self, outputs: Sequence[Array], found: NDArray[np.int64]) -> Array:
        """Raw outputs and indices (n,) of candidates -> their landmarks (n, 5, 2) [input px], NaN for none."""
        return np.full((len(found), 5, 2), np.nan, np.float32)


def joined(maps: Sequence[Array]) -> Array:
    """Outputs of several levels (1, ..., C) -> rows of all (N, C), in the order of the levels."""
    return np.concatenate([level.reshape(-1, level.shape[-1]) for level in maps])
