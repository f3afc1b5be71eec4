"""An exported model, run by the stock `YOLO`, finds the faces that its checkpoint finds."""

from __future__ import annotations

import ast
import shutil
from collections.abc import Callable
from pathlib import Path

import onnx
import pytest
from detecting_model import PHOTOGRAPHS, SIZE
from same_faces import HALF, THRESHOLDS, Export, assert_same_faces, predict, scale
from ultralytics import YOLO

pytestmark = [
    pytest.mark.slow,
    # The stock exporter traces, which torch announces to retire; each format's library adds warnings of its own.
    pytest.mark.filterwarnings("ignore"),
]

MODELS = ("yolov5n-aesvc", "yolov5n-aesvc-free")

EXPORTS = {
    "onnx": Export({"format": "onnx"}),
    "onnx-dynamic": Export({"format": "onnx", "dynamic": True}),
    "onnx-nms": Export({"format": "onnx", "nms": True, **THRESHOLDS}),
    "onnx-half": Export({"format": "onnx", "quantize": 16}, **HALF),
    "torchscript": Export({"format": "torchscript"}),
    "torchscript-nms": Export({"format": "torchscript", "nms": True, **THRESHOLDS}),
    "openvino": Export({"format": "openvino"}),
    "openvino-half": Export({"format": "openvino", "quantize": 16}, **HALF),
}


@pytest.fixture(params=MODELS)
def checkpoint(request: pytest.FixtureRequest, detecting_model: Callable[[str], Path], tmp_path: Path) -> Path:
    """A copy of the checkpoint, beside which the exporter writes."""
    return Path(shutil.copy(detecting_model(request.param), tmp_path / "best.pt"))


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
