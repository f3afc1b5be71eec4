"""An exported model, run by the stock `YOLO`, finds the faces that its checkpoint finds."""

from __future__ import annotations

import ast
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
import pytest
from detecting_model import PHOTOGRAPHS, SIZE
from ultralytics import YOLO

from ultra_face import Faces

pytestmark = [
    pytest.mark.slow,
    # The stock exporter traces, which torch announces to retire; each format's library adds warnings of its own.
    pytest.mark.filterwarnings("ignore"),
]

MODELS = ("yolov5n-aesvc", "yolov5n-aesvc-free")
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

EXPORTS = {
    "onnx": Export({"format": "onnx"}),
    "onnx-dynamic": Export({"format": "onnx", "dynamic": True}),
    "onnx-nms": Export({"format": "onnx", "nms": True, **THRESHOLDS}),
    "onnx-half": Export({"format": "onnx", "quantize": 16}, **HALF),
    "torchscript": Export({"format": "torchscript"}),
    "torchscript-nms": Export({"format": "torchscript", "nms": True, **THRESHOLDS}),
    "openvino": Export({"format": "openvino"}, **BFLOAT16),
    "openvino-half": Export({"format": "openvino", "quantize": 16}, **BFLOAT16),
}


@pytest.fixture(params=MODELS)
def checkpoint(request: pytest.FixtureRequest, detecting_model: Callable[[str], Path], tmp_path: Path) -> Path:
    """A copy of the checkpoint, beside which the exporter writes."""
    return Path(shutil.copy(detecting_model(request.param), tmp_path / "best.pt"))


def predict(model: YOLO, **arguments: Any) -> list[Faces]:
    settings = {"imgsz": SIZE, "rect": False, "verbose": False, **THRESHOLDS}
    return [Faces.from_result(result) for result in model.predict(PHOTOGRAPHS, **settings | arguments)]


def assert_same_faces(got: Faces, expected: Faces, *, pixels: float, score: float) -> None:
    """Same faces in any order, each coordinate within `pixels` of the photograph, each score within `score`."""
    assert len(got) == len(expected) > 0
    first, second = (
        np.concatenate([faces.boxes_xyxy, faces.landmarks.reshape(len(faces), -1)], 1) for faces in (got, expected)
    )
    nearest = np.abs(first[:, None] - second).max(2).argmin(1)
    assert sorted(nearest) == list(range(len(expected)))
    np.testing.assert_allclose(first, second[nearest], rtol=0, atol=pixels)
    np.testing.assert_allclose(got.scores, expected.scores[nearest], rtol=0, atol=score)


def scale(photograph: Path) -> float:
    """Pixels of a photograph to one of the input; both of Ultralytics' photographs are known."""
    return {"bus.jpg": 1080, "zidane.jpg": 1280}[photograph.name] / SIZE


@pytest.mark.parametrize("export", EXPORTS.values(), ids=EXPORTS)
def test_exported_model_finds_the_faces_of_the_checkpoint(checkpoint: Path, export: Export) -> None:
    expected = predict(YOLO(checkpoint))
    exported = YOLO(YOLO(checkpoint).export(imgsz=SIZE, **export.arguments), task="pose")
    for got, wanted, photograph in zip(predict(exported), expected, PHOTOGRAPHS, strict=True):
        assert_same_faces(got, wanted, pixels=export.pixels * scale(photograph), score=export.score)

    loaded = exported.predictor.model
    assert loaded.names == {0: "0"}
    assert list(loaded.kpt_shape) == [5, 3]
    assert loaded.stride == 32


def test_dynamic_model_takes_other_sizes_and_batches(checkpoint: Path) -> None:
    other = {"imgsz": (192, 224), "batch": 2, "conf": 0.01}
    expected = predict(YOLO(checkpoint), **other)
    exported = YOLO(YOLO(checkpoint).export(format="onnx", imgsz=SIZE, dynamic=True), task="pose")
    for got, wanted, photograph in zip(predict(exported, **other), expected, PHOTOGRAPHS, strict=True):
        assert_same_faces(got, wanted, pixels=0.01 * scale(photograph), score=1e-4)


def test_metadata_of_the_onnx_file(checkpoint: Path) -> None:
    file = YOLO(checkpoint).export(format="onnx", imgsz=SIZE)
    metadata = {item.key: item.value for item in onnx.load(file).metadata_props}
    assert ast.literal_eval(metadata["names"]) == {0: "0"}
    assert list(ast.literal_eval(metadata["kpt_shape"])) == [5, 3]
    assert (metadata["stride"], metadata["task"]) == ("32", "pose")


def test_half_precision_torchscript_needs_a_gpu(checkpoint: Path) -> None:
    with pytest.raises(ValueError, match="FP16 TorchScript export is only supported on GPU"):
        YOLO(checkpoint).export(format="torchscript", imgsz=SIZE, quantize=16, device="cpu")
