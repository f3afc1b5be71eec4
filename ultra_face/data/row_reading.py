"""Whether the rows of an annotation file are boxes x y w h, as they are read, or rather corners x1 y1 x2 y2."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ultra_face.data.annotation import MAX_OVERRUN, overrunning
from ultra_face.formats.annotation import FaceAnnotations, FloatArray

SUSPICIOUS_SHARE = 1 / 3
"""Of boxes that reach beyond their images. Read as sizes, corners do so in about half of the rows of photographs with
faces all over. Of 200 random dozens of photographs from each of three sets (WIDER FACE, groups, masks), this share lets
no corners pass and refuses nothing that is right."""


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
