"""Face, one of the `Faces` of an image."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ultra_face.pictures import alignment, boxes, pose
from ultra_face.pictures.pixels import Pixels, Size, check_image, width_and_height

FloatArray = NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class Face:
    """One of `Faces`, with their names in the singular; equal to itself alone, as it holds arrays.

    `box, landmarks, score = face` takes it apart. What `Faces` tell or cut out of an image as one entry a face, a face
    tells or cuts out alone.

    Attributes:
        box_xyxy: corners (4,) [px of the original image]; `box` is the same.
        landmarks: (5, 2) [px of the original image], in the order of `MIRRORED_LANDMARKS`; NaN where unknown.
        score: confidence in 0..1.
        visibility: of each landmark (5,) in 0..1, where the detector tells it.
        track_id: the same for the same person through a video; -1 where a tracker has not matched the face.
        image_size: width and height of the original image [px].
        source: file or address of the image.
        frame: its number in a video, from 0.
        data: the entries of the user's arrays.
    """

    box_xyxy: FloatArray
    landmarks: FloatArray
    score: float
    _: KW_ONLY
    visibility: FloatArray | None = None
    track_id: int | None = None
    image_size: tuple[int, int] | None = None
    source: str | None = None
    frame: int | None = None
    data: Mapping[str, Any] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Any]:
        """Yield box (4,), landmarks (5, 2) and score."""
        yield from (self.box_xyxy, self.landmarks, self.score)

    @property
    def box(self) -> FloatArray:
        """The same as `box_xyxy`."""
        return self.box_xyxy

    @property
    def width(self) -> float:
        """Of the box [px]."""
        return float(self.box_xyxy[2]) - float(self.box_xyxy[0])

    @property
    def height(self) -> float:
        """Of the box [px]."""
        return float(self.box_xyxy[3]) - float(self.box_xyxy[1])

    @property
    def area(self) -> float:
        """Of the box [px^2]."""
        return float(boxes.areas(self.box_xyxy[None])[0])

    @property
    def eye_distance(self) -> float:
        """Between the eyes [px]; NaN where one is unknown."""
        return float(pose.eye_distance(self.landmarks[None])[0])

    @property
    def roll(self) -> float:
        """Of the line through the eyes [degrees]; see `Faces.roll`."""
        return float(pose.roll(self.landmarks[None])[0])

    @property
    def valid(self) -> bool:
        """Whether the face can be aligned: its landmarks are known and do not fall together."""
        return bool(np.isfinite(self.transform()).all())

    def pose(self) -> NDArray[np.float64]:
        """Yaw, pitch and roll (3,) [degrees]; see `Faces.pose`."""
        return np.asarray(pose.pose(self.landmarks[None])[0])

    def sharpness(self, image: Pixels) -> float:
        """Sharpness of the aligned crop; see `Faces.sharpness`."""
        check_image(image, "Face.sharpness", size=self.image_size)
        return float(alignment.sharpness(image, self.landmarks[None])[0])

    def align(self, image: Pixels, *, size: Size = 112) -> Pixels:
        """The aligned crop (height, width) or (height, width, C); see `Faces.align`."""
        check_image(image, "Face.align", size=self.image_size)
        crops = alignment.align(image, self.landmarks[None], width_and_height(size, "Face.align"))
        return np.asarray(crops[0])

    def transform(self, size: Size = 112) -> NDArray[np.float64]:
        """Matrix (2, 3) from the image to the aligned crop; see `Faces.transforms`."""
        matrices = alignment.transforms(self.landmarks[None], width_and_height(size, "Face.transform"))
        return np.asarray(matrices[0])

    def crop(self, image: Pixels, *, margin: float = 0.0, square: bool = False) -> Pixels:
        """What the box shows; see `Faces.crop`."""
        check_image(image, "Face.crop", size=self.image_size)
        return boxes.crop(image, self.box_xyxy[None], margin=margin, square=square)[0]
