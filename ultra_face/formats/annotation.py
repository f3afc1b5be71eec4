"""The faces of one image as a label source states them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

NUM_LANDMARKS = 5


@dataclass(frozen=True, eq=False)
class FaceAnnotations:
    """All annotated faces of one image, in its pixels: x to the right, y down, origin at its corner.

    Attributes:
        image: Path of the image relative to its image folder, with forward slashes.
        where: `file:line` of the annotation, for error messages.
        boxes_xywh: (N, 4) left, top, width, height [px].
        landmarks: (N, 5, 3) x, y [px] and visibility: 0 missing, 1 labelled but occluded, 2 visible. They are
            eye, eye, nose, mouth corner, mouth corner, the left ones first on the upright face. A missing landmark is
            (0, 0, 0).
        invalid: (N,) True where the source marks the box as not to be used.
        scores: (N,) how sure the source is of each face; None where it does not say.
        stated_size: Width and height [px] that the source states of the image, whose pixels the faces are in even
            if the file has another size by now; None where it does not say.
    """

    image: str
    where: str
    boxes_xywh: FloatArray
    landmarks: FloatArray
    invalid: npt.NDArray[np.bool_]
    scores: FloatArray | None = None
    stated_size: tuple[float, float] | None = None

    def __len__(self) -> int:
        return len(self.boxes_xywh)

    def select(self, keep: npt.NDArray[np.bool_]) -> FaceAnnotations:
        """The faces where `keep` (N,) is True."""
        return replace(
            self,
            boxes_xywh=self.boxes_xywh[keep],
            landmarks=self.landmarks[keep],
            invalid=self.invalid[keep],
            scores=None if self.scores is None else self.scores[keep],
        )

    def move(self, *, scale: tuple[float, float] = (1.0, 1.0), shift: tuple[float, float]) -> FaceAnnotations:
        """The faces after the image is scaled by `scale` in x and y, then moved by `shift` [px]."""
        boxes = self.boxes_xywh * np.tile(scale, 2) + np.array([*shift, 0.0, 0.0])
        points = self.landmarks[..., :2] * scale + shift
        visibility = self.landmarks[..., 2:]
        landmarks = np.where(visibility > 0, np.concatenate([points, visibility], axis=-1), 0.0)
        return replace(self, boxes_xywh=boxes, landmarks=landmarks, stated_size=None)
