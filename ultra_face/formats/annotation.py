"""The faces of one image as a label source states them, and what the parsers of annotation texts share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath, PureWindowsPath

import numpy as np
import numpy.typing as npt

from ultra_face.formats.image_files import is_image_name

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

NUM_LANDMARKS = 5

FaceRow = tuple[list[float], list[list[float]], bool]
"""Box x, y, width, height [px]; five x, y [px], visibility; whether the source marks the box invalid."""

WIDER_ROW_LENGTH = 10

_ATTRIBUTES = {"blur": 2, "expression": 1, "illumination": 1, "invalid": 1, "occlusion": 2, "pose": 1}


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
        classes: (N,) number of each face's class; None where the source knows faces alone, which are class 0.
    """

    image: str
    where: str
    boxes_xywh: FloatArray
    landmarks: FloatArray
    invalid: npt.NDArray[np.bool_]
    scores: FloatArray | None = None
    stated_size: tuple[float, float] | None = None
    classes: IntArray | None = None

    def __len__(self) -> int:
        return len(self.boxes_xywh)

    @property
    def class_numbers(self) -> IntArray:
        """The classes (N,), 0 where none are stated."""
        return np.zeros(len(self), dtype=np.int64) if self.classes is None else self.classes

    def select(self, keep: npt.NDArray[np.bool_]) -> FaceAnnotations:
        """The faces where `keep` (N,) is True."""
        return replace(
            self,
            boxes_xywh=self.boxes_xywh[keep],
            landmarks=self.landmarks[keep],
            invalid=self.invalid[keep],
            scores=None if self.scores is None else self.scores[keep],
            classes=None if self.classes is None else self.classes[keep],
        )

    def move(self, *, scale: tuple[float, float] = (1.0, 1.0), shift: tuple[float, float]) -> FaceAnnotations:
        """The faces after the image is scaled by `scale` in x and y, then moved by `shift` [px]."""
        boxes = self.boxes_xywh * np.tile(scale, 2) + np.array([*shift, 0.0, 0.0])
        points = self.landmarks[..., :2] * scale + shift
        visibility = self.landmarks[..., 2:]
        landmarks = np.where(visibility > 0, np.concatenate([points, visibility], axis=-1), 0.0)
        return replace(self, boxes_xywh=boxes, landmarks=landmarks, stated_size=None)


def is_image_path(line: str) -> bool:
    """Whether a line is the path of an image below an image folder, by its suffix."""
    return is_image_name(line) and stays_inside(line)


def stays_inside(path: str) -> bool:
    """Whether a path that a file states leads to a place below the folder that it starts from, on any system."""
    kinds = PurePosixPath(path), PureWindowsPath(path)
    return not any(kind.anchor or ".." in kind.parts for kind in kinds)


def parse_numbers(line: str, where: str) -> list[float]:
    """The finite numbers of a line.

    Raises:
        ValueError: A word of the line is not a finite number.
    """
    numbers = []
    for word in line.split():
        try:
            number = float(word)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise ValueError(f"{where}: expected finite numbers, got {word!r}; correct or remove the line")
        numbers.append(number)
    return numbers


def wider_face_row(values: Sequence[float], where: str) -> FaceRow:
    """Read the ten official values: x y w h, blur, expression, illumination, invalid, occlusion, pose.

    Raises:
        ValueError: An attribute is outside its range.
    """
    for (name, largest), value in zip(_ATTRIBUTES.items(), values[4:], strict=True):
        if value not in range(largest + 1):
            raise ValueError(f"{where}: expected {name} from 0 to {largest}, got {value:g}; correct or remove the line")
    return list(values[:4]), no_landmarks(), bool(values[7])


def no_landmarks() -> list[list[float]]:
    """Five missing landmarks."""
    return [[0.0, 0.0, 0.0]] * NUM_LANDMARKS


def assemble_faces(
    image: str,
    where: str,
    rows: Sequence[FaceRow],
    *,
    scores: Sequence[float] | None = None,
    stated_size: tuple[float, float] | None = None,
) -> FaceAnnotations:
    """The value object of one image from its parsed rows, and what else the source states of them."""
    return FaceAnnotations(
        image=image,
        where=where,
        boxes_xywh=np.array([box for box, _, _ in rows], dtype=np.float64).reshape(-1, 4),
        landmarks=np.array([points for _, points, _ in rows], dtype=np.float64).reshape(-1, NUM_LANDMARKS, 3),
        invalid=np.array([invalid for _, _, invalid in rows], dtype=np.bool_),
        scores=None if scores is None else np.array(scores, dtype=np.float64),
        stated_size=stated_size,
    )
