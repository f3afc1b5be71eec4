"""ONNX files of old and new operator sets, for one size and for any, find the faces that the checkpoint finds."""

from __future__ import annotations

import shutil
from pathlib import Path

import onnx
import pytest
import torch
from awake_model import MODELS, assert_same_predictions, save_awake_model
from detecting_model import PHOTOGRAPHS, SIZE, memorised_batch
from same_faces import HALF, Export, assert_same_as_checkpoint, assert_same_faces, predict, scale
from torch.onnx._constants import ONNX_TORCHSCRIPT_EXPORTER_MAX_OPSET as NEWEST
from ultralytics import YOLO
from ultralytics.utils import ASSETS

pytestmark = pytest.mark.filterwarnings("ignore")  # of the exporter, see test_exported_models.py

OPSETS = (11, 12, 13, 17, NEWEST)
ENDS = ((OPSETS[0], False), (NEWEST, True))
CASES = [
    *((MODELS[0], opset, False) for opset in OPSETS[1:]),
    *((model, opset, dynamic) for model in MODELS for opset, dynamic in ENDS),
]


@pytest.mark.slow
@pytest.mark.parametrize(("model", "opset", "dynamic"), CASES)
def test_models_of_every_kind(model: str, opset: int, dynamic: bool, tmp_path: Path) -> None:
    checkpoint = save_awake_model(model, tmp_path / "best.pt")
    assert_same_predictions(checkpoint, Export({"format": "onnx", "opset": opset, "dynamic": dynamic}))
    assert opset_of(tmp_path / "best.onnx") == opset


@pytest.mark.slow
@pytest.mark.parametrize("model", ["yolov5n-aesvc-fast", "yolov5n-aesvc-p2"])  # test_exported_models.py has the others
def test_half_precision_and_suppression_in_the_graph(model: str, tmp_path: Path) -> None:
    checkpoint = save_awake_model(model, tmp_path / "best.pt")
    assert_same_predictions(checkpoint, Export({"format": "onnx", "quantize": 16}, **HALF))
    # A confidence between the 20th and the 21st best prediction, so that no rounding decides what counts.
    with torch.no_grad():
        scores = YOLO(checkpoint).model.eval()(memorised_batch()["img"][:1])[0][0, 4]
    best = scores.sort(descending=True).values
    thresholds = {"conf": float(best[19:21].mean()), "iou": 0.5}
    (expected,) = predict(YOLO(checkpoint), PHOTOGRAPHS[:1], **thresholds)
    exported = YOLO(YOLO(checkpoint).export(format="onnx", imgsz=SIZE, nms=True, **thresholds), task="pose")
    (got,) = predict(exported, PHOTOGRAPHS[:1], **thresholds)
    assert_same_faces(got, expected, pixels=0.01 * scale(PHOTOGRAPHS[0]), score=1e-4)


@pytest.mark.parametrize(("opset", "dynamic"), ENDS)
def test_the_shipped_weights(opset: int, dynamic: bool, repository: Path, tmp_path: Path) -> None:
    checkpoint = Path(shutil.copy(repository / "weights" / "yolov5n-aesvc-face.pt", tmp_path / "best.pt"))
    export = Export({"format": "onnx", "opset": opset, "dynamic": dynamic})
    assert_same_as_checkpoint(checkpoint, export, photographs=sorted(ASSETS.glob("*.jpg")), size=320)
    assert opset_of(tmp_path / "best.onnx") == opset


def opset_of(file: Path) -> int:
    (version,) = [item.version for item in onnx.load(file).opset_import if item.domain == ""]
    return version
