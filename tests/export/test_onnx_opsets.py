"""ONNX files of old and new operator sets, for one size and for any, find the faces that the checkpoint finds."""

from __future__ import annotations

import shutil
from pathlib import Path

import onnx
import pytest
from awake_model import MODELS, assert_same_predictions, save_awake_model
from same_faces import Export, assert_same_as_checkpoint
from torch.onnx._constants import ONNX_TORCHSCRIPT_EXPORTER_MAX_OPSET as NEWEST
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


@pytest.mark.parametrize(("opset", "dynamic"), ENDS)
def test_the_shipped_weights(opset: int, dynamic: bool, repository: Path, tmp_path: Path) -> None:
    checkpoint = Path(shutil.copy(repository / "weights" / "yolov5n-aesvc-face.pt", tmp_path / "best.pt"))
    export = Export({"format": "onnx", "opset": opset, "dynamic": dynamic})
    assert_same_as_checkpoint(checkpoint, export, photographs=sorted(ASSETS.glob("*.jpg")), size=320)
    assert opset_of(tmp_path / "best.onnx") == opset


def opset_of(file: Path) -> int:
    (version,) = [item.version for item in onnx.load(file).opset_import if item.domain == ""]
    return version
