"""Every run time that is installed finds the faces that the checkpoint finds; `tools/check_formats` installs them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from awake_model import MODELS, assert_same_predictions, save_awake_model
from same_faces import RUN_TIMES, Export, assert_same_as_checkpoint, need
from ultralytics import YOLO
from ultralytics.utils import ASSETS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),  # of the exporter, see test_exported_models.py
]

SHIPPED = "yolov5n-aesvc-face.pt"
SHIPPED_SIZE = 320  # of the square input [px]
TAKES_MINUTES = ("saved_model", "pb")


@pytest.fixture(params=RUN_TIMES.values(), ids=RUN_TIMES)
def export(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Export:
    need(request.param, tmp_path, monkeypatch)
    return request.param


@pytest.mark.parametrize("model", MODELS)
def test_models_of_every_kind(model: str, export: Export, tmp_path: Path) -> None:
    if export.arguments["format"] in TAKES_MINUTES and model != MODELS[0]:
        pytest.skip("one model tells")
    assert_same_predictions(save_awake_model(model, tmp_path / "best.pt"), export)


@pytest.fixture
def shipped(repository: Path, tmp_path: Path) -> Path:
    """A copy of the shipped weights, beside which the exporter writes."""
    return Path(shutil.copy(repository / "weights" / SHIPPED, tmp_path / "best.pt"))


def test_the_shipped_weights(shipped: Path, export: Export) -> None:
    photographs = sorted(ASSETS.glob("*.jpg"))
    assert_same_as_checkpoint(shipped, export, photographs=photographs, size=SHIPPED_SIZE)


@pytest.mark.data
def test_the_shipped_weights_on_groups_of_people(shipped: Path, export: Export, shared_data: Path) -> None:
    names = (shared_data / "groups-672" / "dev.txt").read_text(encoding="utf-8").split()[:4]
    photographs = [shared_data / "groups-672" / "images" / name for name in names]
    assert_same_as_checkpoint(shipped, export, photographs=photographs, size=SHIPPED_SIZE)


def test_core_ml_takes_the_graph(shipped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tools = pytest.importorskip("coremltools")
    package = YOLO(shipped).export(format="coreml", imgsz=SHIPPED_SIZE)
    # It runs on macOS alone; what it says of its output can be read anywhere.
    (output,) = tools.models.MLModel(package, skip_model_load=True).get_spec().description.output
    anchors = 3 * sum((SHIPPED_SIZE // stride) ** 2 for stride in (8, 16, 32))
    assert list(output.type.multiArrayType.shape) in ([], [1, 20, anchors])
