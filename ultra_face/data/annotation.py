"""The faces of one image as a label source states them, and the rules that clean them for training."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

MIN_BOX_SIDE = 2.0
NUM_LANDMARKS = 5

MARKED_INVALID = "marked invalid"
OUTSIDE_IMAGE = "outside the image"
TOO_SMALL = f"under {MIN_BOX_SIDE:.0f} px"


@dataclass(frozen=True, eq=False)
class FaceAnnotations:
    """All annotated faces of one image, in its pixels: x to the right, y down, origin at its corner.

    Attributes:
        image: Path of the image relative to its image folder, with forward slashes.
        where: `file:line` of the annotation, for error messages.
        boxes_xywh: (N, 4) left, top, width, height [px].
        landmarks: (N, 5, 3) x, y [px] and visibility: 0 missing, 1 labelled but occluded, 2 visible. Order
            from left to right in the image: eye, eye, nose, mouth corner, mouth corner. A missing landmark is
            (0, 0, 0).
        invalid: (N,) True where the source marks the box as not to be used.
    """

    image: str
    where: str
    boxes_xywh: FloatArray
    landmarks: FloatArray
    invalid: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.boxes_xywh)

    def select(self, keep: npt.NDArray[np.bool_]) -> FaceAnnotations:
        """The faces where `keep` (N,) is True."""
        return replace(
            self, boxes_xywh=self.boxes_xywh[keep], landmarks=self.landmarks[keep], invalid=self.invalid[keep]
        )

    def move(self, *, scale: tuple[float, float] = (1.0, 1.0), shift: tuple[float, float]) -> FaceAnnotations:
        """The faces after the image is scaled by `scale` in x and y, then moved by `shift` [px]."""
        boxes = self.boxes_xywh * np.tile(scale, 2) + np.array([*shift, 0.0, 0.0])
        points = self.landmarks[..., :2] * scale + shift
        visibility = self.landmarks[..., 2:]
        landmarks = np.where(visibility > 0, np.concatenate([points, visibility], axis=-1), 0.0)
        return replace(self, boxes_xywh=boxes, landmarks=landmarks)


@dataclass(frozen=True)
class CleanedFaces:
    """Faces fit for training, and what was taken away: boxes by reason, and landmarks outside the image."""

    faces: FaceAnnotations
    skipped_boxes: Counter[str]
    landmarks_outside: int


def clean_faces(faces: FaceAnnotations, *, width: int, height: int) -> CleanedFaces:
    """Clip boxes to the image of `width` x `height` [px], drop unusable ones, blank landmarks outside.

    A box is dropped for the first reason that holds: marked invalid by the source, no overlap with the image,
    or a side under 2 px after clipping (boxes without size, which WIDER FACE contains, are among these).
    """
    left_top = faces.boxes_xywh[:, :2]
    right_bottom = left_top + np.maximum(faces.boxes_xywh[:, 2:], 0.0)
    image_size = np.array([width, height], dtype=np.float64)
    clipped_left_top = np.clip(left_top, 0.0, image_size)
    clipped_size = np.clip(right_bottom, 0.0, image_size) - clipped_left_top

    outside = ((right_bottom < 0) | (left_top >= image_size)).any(axis=1)
    too_small = (clipped_size < MIN_BOX_SIDE).any(axis=1)
    reasons = np.select([faces.invalid, outside, too_small], [MARKED_INVALID, OUTSIDE_IMAGE, TOO_SMALL], default="")
    keep = reasons == ""

    kept = faces.select(keep)
    points = kept.landmarks[..., :2]
    landmark_outside = ((points < 0) | (points > image_size)).any(axis=-1) & (kept.landmarks[..., 2] > 0)
    return CleanedFaces(
        faces=replace(
            kept,
            boxes_xywh=np.concatenate([clipped_left_top, clipped_size], axis=1)[keep],
            landmarks=np.where(landmark_outside[..., None], 0.0, kept.landmarks),
        ),
        skipped_boxes=Counter(str(reason) for reason in reasons[~keep]),
        landmarks_outside=int(landmark_outside.sum()),
    )
