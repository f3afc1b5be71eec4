"""The rules that make the faces of a label source fit for training: in the pixels of the image, and inside it.

Rows of an annotation file are read as boxes x y w h; what fits its images better as corners x1 y1 x2 y2 is refused.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np

from ultra_face.formats.annotation import FaceAnnotations, FloatArray

MIN_BOX_SIDE = 2.0
MAX_OVERRUN = 1.0
"""A box may reach so far [px] beyond its image by rounding alone."""

MARKED_INVALID = "marked invalid"
OUTSIDE_IMAGE = "outside the image"
TOO_SMALL = f"under {MIN_BOX_SIDE:.0f} px"

SUSPICIOUS_SHARE = 1 / 3
"""Of boxes that reach beyond their images. Read as sizes, corners do so in about half of the rows of photographs with
faces all over. Of 200 random dozens of photographs from each of three sets (WIDER FACE, groups, masks), this share lets
no corners pass and refuses nothing that is right."""


@dataclass(frozen=True)
class CleanedFaces:
    """Faces fit for training, and what was changed.

    Attributes:
        faces: What is left.
        skipped_boxes: How many boxes went, by reason.
        cut_boxes: How many of those left reached beyond the image by more than rounding explains.
        landmarks_outside: How many landmarks outside the image were blanked.
    """

    faces: FaceAnnotations
    skipped_boxes: Counter[str]
    cut_boxes: int
    landmarks_outside: int


def fit_to_image(faces: FaceAnnotations, *, width: int, height: int) -> FaceAnnotations:
    """The faces in the pixels of the image of `width` x `height` [px], whatever size their source states of it.

    Photographs are often reduced after labelling. Where the stated size has the same ratio of sides, to a pixel,
    boxes and landmarks are scaled; a size that is not stated counts as right.

    Raises:
        ValueError: The stated size is that of an image of another shape.
    """
    if faces.stated_size is None or faces.stated_size == (width, height):
        return faces
    stated_width, stated_height = faces.stated_size
    if not _same_shape(faces.stated_size, (width, height)):
        what = "width and height swapped" if _same_shape(faces.stated_size, (height, width)) else "another shape"
        raise ValueError(
            f"{faces.where}: expected {faces.image} to measure {stated_width:g} x {stated_height:g} px as stated, got "
            f"{width} x {height} px, {what}; label the image as it is now"
        )
    return faces.move(scale=(width / stated_width, height / stated_height), shift=(0.0, 0.0))


def _same_shape(stated: tuple[float, float], actual: tuple[int, int]) -> bool:
    """Whether one factor takes a stated width and height [px] to the actual ones, each rounded by less than a pixel."""
    (stated_width, stated_height), (width, height) = stated, actual
    return abs(width / stated_width - height / stated_height) < 1 / stated_width + 1 / stated_height


def overrunning(boxes_xywh: FloatArray, *, width: int, height: int) -> FloatArray:
    """How far boxes (N, 4) [px] reach beyond an image of `width` x `height` [px]: (N,) [px], 0 or more."""
    left_top, size = boxes_xywh[:, :2], boxes_xywh[:, 2:]
    beyond = np.concatenate([-left_top, left_top + size - (width, height)], axis=1)
    furthest: FloatArray = beyond.max(axis=1, initial=0.0)
    return furthest


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
        cut_boxes=int((overrunning(kept.boxes_xywh, width=width, height=height) > MAX_OVERRUN).sum()),
        landmarks_outside=int(landmark_outside.sum()),
    )


@dataclass(eq=False)
class RowReading:
    """How many boxes of a source lie in their images under each reading; grows as images are seen.

    Corners taken for x y w h reach beyond the image wherever a face is right of its middle or below it.

    Attributes:
        source: Names the annotations in errors.
        boxes: How many were seen that the source does not mark as invalid.
        inside: How many of them lie in their image as x y w h.
        inside_as_corners: How many would as x1 y1 x2 y2.
    """

    source: str
    boxes: int = 0
    inside: int = 0
    inside_as_corners: int = 0

    def see(self, faces: FaceAnnotations, *, width: int, height: int) -> None:
        """Count the boxes of one image of `width` x `height` [px]."""
        x_y_w_h = faces.boxes_xywh[~faces.invalid]
        as_corners = np.concatenate([x_y_w_h[:, :2], x_y_w_h[:, 2:] - x_y_w_h[:, :2]], axis=1)
        self.boxes += len(x_y_w_h)
        self.inside += _count_inside(x_y_w_h, width, height)
        self.inside_as_corners += _count_inside(as_corners, width, height)

    def check(self) -> None:
        """Refuse rows that fit their images better as corners.

        Raises:
            ValueError: A third of the boxes or more reach beyond their images, and more lie inside as corners.
        """
        overrun = self.boxes - self.inside
        if overrun >= self.boxes * SUSPICIOUS_SHARE and self.inside < self.inside_as_corners:
            raise ValueError(
                f"{self.source}: expected rows to start with x y w h, got {overrun:,} of "
                f"{self.boxes:,} boxes that reach beyond their images, while {self.inside_as_corners:,} lie inside as "
                "corners x1 y1 x2 y2; rewrite the rows as x y w h, or cut boxes that are x y w h at the image's border"
            )


def _count_inside(boxes_xywh: FloatArray, width: int, height: int) -> int:
    inside = overrunning(boxes_xywh, width=width, height=height) <= MAX_OVERRUN
    return int((inside & (boxes_xywh[:, 2:] >= 0).all(axis=1)).sum())
