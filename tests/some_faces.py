"""Faces with everything that they can hold, for tests."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ultra_face import Faces
from ultra_face.pictures.alignment import RECOGNITION_TEMPLATE

IMAGE_SIZE = (320, 240)


def some_faces(**fields: Any) -> Faces:
    """Three faces: of 112 px on the template, half as large further right, and one of which no landmark is known."""
    landmarks = np.stack([RECOGNITION_TEMPLATE, RECOGNITION_TEMPLATE / 2 + [150, 20], np.full((5, 2), np.nan)])
    return Faces(
        np.array([[0, 0, 112, 112], [150, 20, 206, 76], [250.5, 200.25, 270.5, 230.25]], np.float32),
        landmarks.astype(np.float32),
        np.array([0.9, 0.95, 0.3], np.float32),
        **{
            "visibility": np.array([[1, 0.9, 0.8, 0.7, 0.6]] * 2 + [[0] * 5], np.float32),
            "track_ids": np.array([7, 3, -1]),
            "image_size": IMAGE_SIZE,
            "source": "päople at work.jpg",
            "frame": 12,
            "data": {
                "name": np.array(["Ann", "Bob", "?"]),
                "embedding": np.arange(12, dtype=np.float32).reshape(3, 4) / 10,
            },
            **fields,
        },
    )


def faces_at(*boxes_xyxy: tuple[float, float, float, float], scores: list[float] | None = None) -> Faces:
    """Faces of these boxes, without landmarks."""
    n = len(boxes_xyxy)
    return Faces(
        np.array(boxes_xyxy, np.float64).reshape(n, 4), np.full((n, 5, 2), np.nan), np.array(scores or [1.0] * n)
    )


def empty(num_faces: int = 0) -> Faces:
    """Faces of which all numbers are 0."""
    return Faces(
        np.zeros((num_faces, 4), np.float32),
        np.zeros((num_faces, 5, 2), np.float32),
        np.zeros(num_faces, np.float32),
    )


def noise(*channels: int, side: int = 112) -> NDArray[np.uint8]:
    """An image (side, side, *channels)."""
    return np.random.default_rng(0).integers(0, 256, (side, side, *channels), np.uint8)
