"""Comparing what an exported model finds with what its checkpoint finds."""

from __future__ import annotations

import importlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import pytest
from detecting_model import PHOTOGRAPHS, SIZE
from ultralytics import YOLO

from ultra_face import Faces

THRESHOLDS = {"conf": 0.3, "iou": 0.5}


class Export(NamedTuple):
    """Arguments of an export, and how far its boxes, landmarks [px of the input] and scores may be off.

    Beside these, the modules that it needs and `ultra-face[export]` lacks, and arguments of predictions with it.
    """

    arguments: dict[str, Any]
    pixels: float = 0.01
    score: float = 1e-4
    modules: tuple[str, ...] = ()
    prediction: dict[str, Any] = {}  # noqa: RUF012  (nothing changes it)

    def but(self, arguments: dict[str, Any], **tolerance: float) -> Export:
        """The same run time with these arguments, too, and perhaps another tolerance."""
        return self._replace(arguments=self.arguments | arguments, **tolerance)


# Half precision has 11 bits: a coordinate of 160 px is rounded by 0.06 px in each step.
HALF = {"pixels": 0.5, "score": 5e-3}

RUN_TIMES = {
    "opencv": Export({"format": "onnx"}, prediction={"dnn": True}),
    "opencv-opset-12": Export({"format": "onnx", "opset": 12}, prediction={"dnn": True}),
    "torchscript": Export({"format": "torchscript"}),
    "openvino": Export({"format": "openvino"}),
    "ncnn": Export({"format": "ncnn"}, modules=("ncnn", "pnnx")),
    "mnn": Export({"format": "mnn"}, modules=("MNN",)),
    "litert": Export({"format": "litert"}, modules=("litert_torch",)),
    "paddle": Export({"format": "paddle"}, modules=("paddle", "x2paddle")),
    "executorch": Export({"format": "executorch"}, modules=("executorch",)),
    "saved_model": Export({"format": "saved_model"}, modules=("tensorflow", "onnx2tf")),
    "pb": Export({"format": "pb"}, modules=("tensorflow", "onnx2tf")),
}


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
    if none:
        return
    first, second = (
        np.concatenate([faces.boxes_xyxy, faces.landmarks.reshape(len(faces), -1)], 1) for faces in (got, expected)
    )
    nearest = np.abs(first[:, None] - second).max(2).argmin(1)
    assert sorted(nearest) == list(range(len(expected)))
    np.testing.assert_allclose(first, second[nearest], rtol=0, atol=pixels)
    np.testing.assert_allclose(got.scores, expected.scores[nearest], rtol=0, atol=score)


def need(export: Export, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a folder with all that the export takes from there.

    The test skips where a module is absent; not so under tools/check_formats, which has installed it.
    """
    load = importlib.import_module if os.environ.get("ULTRA_FACE_FORMATS") else pytest.importorskip
    for module in export.modules:
        load(module)
    monkeypatch.chdir(folder)  # several converters write files of their own into the working folder
    if "onnx2tf" in export.modules:
        # Images by which onnx2tf compares itself with the ONNX file; Ultralytics downloads photographs otherwise.
        images = np.random.default_rng(0).random((20, 128, 128, 3), np.float32)
        np.save("calibration_image_sample_data_20x128x128x3_float32.npy", images)


def assert_same_as_checkpoint(
    checkpoint: Path, export: Export, *, photographs: Sequence[Path] = PHOTOGRAPHS, size: int = SIZE
) -> YOLO:
    """Export the checkpoint and find the same faces with both, photograph by photograph; gives the exported model."""
    exported = YOLO(YOLO(checkpoint).export(imgsz=size, **export.arguments), task="pose")
    assert_finds_the_same(exported, checkpoint, export, photographs=photographs, size=size)
    return exported


def assert_finds_the_same(
    exported: YOLO, checkpoint: Path, export: Export, *, photographs: Sequence[Path], size: int
) -> None:
    """An exported model and its checkpoint find the same faces, photograph by photograph."""
    for photograph in photographs:
        (expected,) = predict(YOLO(checkpoint), [photograph], imgsz=size)
        (got,) = predict(exported, [photograph], imgsz=size, **export.prediction)
        assert_same_faces(got, expected, pixels=export.pixels * scale(photograph, size), score=export.score)


def scale(photograph: Path, size: int = SIZE) -> float:
    """Pixels of a photograph to one of a square input of this size."""
    return max(1, *cv2.imread(str(photograph)).shape[:2]) / size
