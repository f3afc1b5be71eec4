"""Comparing the faces of a model in whole numbers with those of its float file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ultra_face import FaceDetector
from ultra_face.evaluation.matching import pair_faces
from ultra_face.faces import Faces

SURE = 0.5  # score of the faces that must be found


def assert_finds_the_same(
    model: Path, reference: Path, photographs: Sequence[Path], *, size: int, median: float
) -> None:
    """Every sure face is found and few others, the median coordinate within so many pixels of the input."""
    shifts = []
    detectors = [FaceDetector(file, conf=SURE / 2, imgsz=size, device="cpu") for file in (reference, model)]
    for photograph in photographs:
        expected, got = (detector(str(photograph)) for detector in detectors)
        sure = expected[expected.scores >= SURE]
        assert len(sure)
        assert (got.scores >= SURE).sum() <= len(expected)
        pairs = pair_faces(got.boxes_xywh, got.scores, sure.boxes_xywh)
        assert len(pairs) == len(sure)
        scale = max(expected.image_size) / size
        shifts += [np.abs(_coordinates(got)[a] - _coordinates(sure)[b]) / scale for a, b in pairs]
    assert np.median(np.concatenate(shifts)) < median


def _coordinates(faces: Faces) -> np.ndarray:
    return np.concatenate([faces.boxes_xyxy, faces.landmarks.reshape(len(faces), 10)], axis=1)
