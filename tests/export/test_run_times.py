"""Every run time that is installed finds the faces that the checkpoint finds; `tools/check_formats` installs them."""

from __future__ import annotations

import importlib
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from awake_model import MODELS, assert_same_predictions, save_awake_model
from same_faces import HALF, RUN_TIMES, THRESHOLDS, Export, assert_finds_the_same, need
from ultralytics import YOLO
from ultralytics.utils import ASSETS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),  # of the exporter, see test_exported_models.py
]

SHIPPED = "yolov5n-aesvc-face.pt"
SHIPPED_SIZE = 320  # of the square input [px]
TENSORFLOW = ("saved_model", "pb")

# What else Ultralytics offers for these run times; test_exported_models.py has more.
NMS = {"nms": True, **THRESHOLDS}
CHOICES = {
    "torchscript-dynamic": RUN_TIMES["torchscript"].but({"dynamic": True}),
    "openvino-dynamic": RUN_TIMES["openvino"].but({"dynamic": True}),
    "openvino-nms": RUN_TIMES["openvino"].but(NMS),
    "ncnn-half": RUN_TIMES["ncnn"].but({"quantize": 16}, **HALF),
    "mnn-dynamic": RUN_TIMES["mnn"].but({"dynamic": True}),
    "mnn-nms": RUN_TIMES["mnn"].but(NMS),
    "mnn-half": RUN_TIMES["mnn"].but({"quantize": 16}, **HALF),
}


@pytest.fixture
def export(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Export:
    need(request.param, tmp_path, monkeypatch)
    return request.param


def exports(named: dict[str, Export]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("export", named.values(), ids=named, indirect=True)


@exports(RUN_TIMES)
@pytest.mark.parametrize("model", MODELS)
def test_models_of_every_kind(model: str, export: Export, tmp_path: Path) -> None:
    if export.arguments["format"] in TENSORFLOW and (model, export.arguments["format"]) != (MODELS[0], TENSORFLOW[0]):
        pytest.skip("its conversion takes minutes; one tells")
    assert_same_predictions(save_awake_model(model, tmp_path / "best.pt"), export)


@pytest.fixture(scope="module")
def shipped(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the shipped weights."""
    return Path(shutil.copy(repository / "weights" / SHIPPED, tmp_path_factory.mktemp("shipped") / "best.pt"))


@pytest.fixture(scope="module")
def exported(shipped: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., YOLO]:
    """Gives the shipped weights in a format; each is exported once."""

    @cache
    def file(**arguments: Any) -> Path:
        if arguments == {"format": "saved_model"}:
            return file(format="pb").with_name("best_saved_model")  # which a GraphDef is made of
        checkpoint = shutil.copy(shipped, tmp_path_factory.mktemp("exported") / "best.pt")
        return Path(YOLO(checkpoint).export(imgsz=SHIPPED_SIZE, **arguments))

    return lambda **arguments: YOLO(file(**arguments), task="pose")


@exports(RUN_TIMES | CHOICES)
def test_the_shipped_weights(shipped: Path, exported: Callable[..., YOLO], export: Export) -> None:
    model = exported(**export.arguments)
    assert_finds_the_same(model, shipped, export, photographs=sorted(ASSETS.glob("*.jpg")), size=SHIPPED_SIZE)


@pytest.mark.data
@exports(RUN_TIMES)
def test_the_shipped_weights_on_groups_of_people(
    shipped: Path, exported: Callable[..., YOLO], export: Export, shared_data: Path
) -> None:
    names = (shared_data / "groups-672" / "dev.txt").read_text(encoding="utf-8").split()[:4]
    photographs = [shared_data / "groups-672" / "images" / name for name in names]
    model = exported(**export.arguments)
    assert_finds_the_same(model, shipped, export, photographs=photographs, size=SHIPPED_SIZE)


def test_core_ml_takes_the_graph(shipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    need(Export({"format": "coreml"}, modules=("coremltools",)), tmp_path, monkeypatch)
    package = YOLO(shutil.copy(shipped, tmp_path)).export(format="coreml", imgsz=SHIPPED_SIZE)
    # It runs on macOS alone; what it says of its input and output can be read anywhere.
    models = importlib.import_module("coremltools.models")
    described = models.MLModel(str(package), skip_model_load=True).get_spec().description
    (image,), (output,) = described.input, described.output
    assert (image.type.imageType.width, image.type.imageType.height) == (SHIPPED_SIZE, SHIPPED_SIZE)
    anchors = 3 * sum((SHIPPED_SIZE // stride) ** 2 for stride in (8, 16, 32))
    assert list(output.type.multiArrayType.shape) == [1, 20, anchors]
