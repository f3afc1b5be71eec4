"""Comparing what an exported model finds with what its checkpoint finds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from detecting_model import PHOTOGRAPHS, SIZE
from ultralytics import YOLO

from ultra_face import Faces

THRESHOLDS = {"conf": 0.3, "iou": 0.5}


class Export(NamedTuple):
    """Arguments of an export, and how far its boxes, landmarks [px of the input] and scores may be off."""

    arguments: dict[str, Any]
    pixels: float = 0.01
    score: float = 1e-4


# Half precision has 11 bits: a coordinate of 160 px is rounded by 0.06 px in each step.
HALF = {"pixels": 0.5, "score": 5e-3}
# OpenVINO computes in bfloat16, with 8 bits, where the processor can.
BFLOAT16 = {"pixels": 2.0, "score": 5e-2}


def predict(model: YOLO, images: Sequence[Any] = PHOTOGRAPHS, **arguments: Any) -> list[Faces]:
    """Faces of each image, in one batch."""
    settings = {"imgsz": SIZE, "rect": False, "verbose": False, **THRESHOLDS}
    return [Faces.from_result(result) for result in model.predict(images, **settings | arguments)]


def assert_same_faces(got: Faces, expected: Faces, *, pixels: float, score: float, none: bool = False) -> None:
    """Same faces in any order, each coordinate within `pixels` of the photograph, each score within `score`.

    There are some, but for an image that is said to have none.
    """
    assert len(got) == len(expected)
    assert (len(expected) == 0) == none
    first, second = (
        np.concatenate([faces.boxes_xyxy, faces.landmarks.reshape(len(faces), 10)], 1) for faces in (got, expected)
    )
    nearest = np.abs(first[:, None] - second).max(2).argmin(1)
    assert sorted(nearest) == list(range(len(expected)))
    np.testing.assert_allclose(first, second[nearest], rtol=0, atol=pixels)
    np.testing.assert_allclose(got.scores, expected.scores[nearest], rtol=0, atol=score)


def scale(photograph: Path) -> float:
    """Pixels of a photograph to one of the input; both of Ultralytics' photographs are known."""
    return {"bus.jpg": 1080, "zidane.jpg": 1280}[photograph.name] / SIZE
