"""What the parsers of annotation texts share: checked numbers of one line, errors that name the line."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import PurePosixPath

import numpy as np

from ultra_face.formats.annotation import NUM_LANDMARKS, FaceAnnotations
from ultra_face.formats.image_files import is_image_name

FaceRow = tuple[list[float], list[list[float]], bool]
"""Box x, y, width, height [px]; five x, y [px], visibility; whether the source marks the box invalid."""

WIDER_ROW_LENGTH = 10
_ATTRIBUTES = {"blur": 2, "expression": 1, "illumination": 1, "invalid": 1, "occlusion": 2, "pose": 1}


def is_image_path(line: str) -> bool:
    """Whether a line is the path of an image below an image folder, by its suffix."""
    path = PurePosixPath(line)
    return is_image_name(path) and not path.is_absolute() and ".." not in path.parts


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
