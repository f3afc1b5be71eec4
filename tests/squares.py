"""Pictures of bright squares with a fine pattern, which stand for faces, and a detector that finds them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from clips import write_clip

from ultra_face.faces import Faces
from ultra_face.pictures.alignment import RECOGNITION_TEMPLATE, TEMPLATE_SIDE

Square = tuple[int, int, int, int]
"""Left, top and side [px], and the strength of the pattern in 0..50, which makes it sharp."""

TWO: tuple[Square, ...] = ((10, 20, 40, 50), (80, 50, 60, 10))
"""The smaller one is the sharper one."""


def squares(*all_of_them: Square, width: int = 160, height: int = 120) -> np.ndarray:
    """A dark picture (height, width, 3) with these squares."""
    image = np.full((height, width, 3), 30, np.uint8)
    for left, top, side, strength in all_of_them:
        pattern = np.indices((side, side)).sum(axis=0) // 2 % 2 * strength
        image[top : top + side, left : left + side] = (200 + pattern)[..., None]
    return image


def find_squares(image: np.ndarray) -> Faces:
    """The squares as faces, from top to bottom; aligned, they show the inner four fifths of the square."""
    _, _, found, _ = cv2.connectedComponentsWithStats((image.min(axis=2) > 128).astype(np.uint8))
    boxes = np.array(
        [[left, top, left + width, top + height] for left, top, width, height, area in found[1:] if area > 60]
    )
    boxes = boxes.reshape(-1, 4).astype(np.float32)
    sides = (boxes[:, 2:] - boxes[:, :2])[:, None]
    landmarks = boxes[:, None, :2] + (0.1 + 0.8 * RECOGNITION_TEMPLATE / TEMPLATE_SIDE) * sides
    height, width = image.shape[:2]
    return Faces(boxes, landmarks, np.full(len(boxes), 0.75, np.float32), image_size=(width, height))


def fail_in_white(image: np.ndarray) -> Faces:
    """As `find_squares`, but not in a white picture: a detector that fails in the middle of a film."""
    if image.min() > 200:
        raise ValueError("expected a picture, got a white one")
    return find_squares(image)


def stop_in_white(image: np.ndarray) -> Faces:
    """As if the user pressed Ctrl-C there."""
    if image.min() > 200:
        raise KeyboardInterrupt
    return find_squares(image)


def write_image(file: str, image: np.ndarray) -> None:
    """Write an image file, a JPEG where it is named so, else a PNG."""
    Path(file).parent.mkdir(parents=True, exist_ok=True)
    Path(file).write_bytes(cv2.imencode(".jpg" if file.endswith(".jpg") else ".png", image)[1].tobytes())


def read_image(file: str | Path) -> np.ndarray:
    return cv2.imdecode(np.fromfile(file, np.uint8), cv2.IMREAD_UNCHANGED)


def write_film(file: str, *pictures: np.ndarray) -> None:
    """Write a film of these pictures, 25 a second, without sound."""
    Path(file).parent.mkdir(parents=True, exist_ok=True)
    stamps = [512 * i for i in range(len(pictures))]
    write_clip(Path(file), draw=lambda i: pictures[i], stamps=stamps, sound=False)


WHITE = np.full((120, 160, 3), 255, np.uint8)
