"""The code of docs/onnx-decoding.md gives what the stock `YOLO("best.onnx")` gives."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import onnxruntime
import pytest
from detecting_model import PHOTOGRAPHS, SIZE
from onnxruntime.tools.onnx_model_utils import make_input_shape_fixed
from ultralytics import YOLO

from ultra_face import Faces

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),  # of the exporter, see test_exported_models.py
]


@pytest.fixture(scope="module")
def page() -> str:
    return (Path(__file__).resolve().parents[2] / "docs" / "onnx-decoding.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def code(page: str) -> str:
    (block,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    return block


@pytest.fixture(scope="module", params=["yolov5n-aesvc", "yolov5n-aesvc-free"])
def folder(
    request: pytest.FixtureRequest, detecting_model: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A folder with best.pt and best.onnx."""
    folder = tmp_path_factory.mktemp("decoding")
    YOLO(shutil.copy(detecting_model(request.param), folder / "best.pt")).export(format="onnx", imgsz=SIZE)
    return folder


def run(code: str, folder: Path, photograph: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    shutil.copy(photograph, folder / "photo.jpg")
    monkeypatch.chdir(folder)
    names: dict[str, Any] = {}
    exec(compile(code, "docs/onnx-decoding.md", "exec"), names)
    return names


@pytest.mark.parametrize("photograph", PHOTOGRAPHS, ids=lambda file: file.stem)
def test_the_page_finds_what_the_stock_model_finds(
    code: str, folder: Path, photograph: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = run(code, folder, photograph, monkeypatch)
    (result,) = YOLO(folder / "best.onnx", task="pose").predict(photograph, imgsz=SIZE, conf=0.25, iou=0.5)
    faces = Faces.from_result(result)
    assert len(faces) > 0
    # Both sort by score. The same network at the same input: what differs is float32 in another order, in pixels of a
    # photograph 8 times as large as the input.
    np.testing.assert_allclose(found["scores"], faces.scores, atol=1e-4)
    np.testing.assert_allclose(found["boxes_xyxy"], faces.boxes_xyxy, atol=0.01)
    np.testing.assert_allclose(found["landmarks"], faces.landmarks, atol=0.01)


def test_the_page_finds_nothing_in_an_empty_photograph(
    code: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = tmp_path / "empty.png"
    cv2.imwrite(str(empty), np.zeros((90, 120, 3), np.uint8))
    found = run(code.replace("0.25", "0.999"), folder, empty, monkeypatch)
    assert (found["boxes_xyxy"].shape, found["landmarks"].shape, found["scores"].shape) == ((0, 4), (0, 5, 2), (0,))


def test_the_shapes_on_the_page(page: str, folder: Path) -> None:
    session = onnxruntime.InferenceSession(folder / "best.onnx")
    (given,), (output,) = session.get_inputs(), session.get_outputs()
    assert (given.name, output.name) == ("images", "output0")
    assert output.shape[:2] == [1, 20]
    # At 640 px there are 16 times as many anchors as at 160 px.
    assert f"{16 * output.shape[2]:,}" in page


def test_grey_on_one_side_gives_boxes_that_are_no_faces(
    code: str, shipped_onnx: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the page says of the shipped weights, zidane.jpg and a score of 0.5."""
    model = onnx.load(shipped_onnx)
    make_input_shape_fixed(model.graph, "images", [1, 3, 640, 640])
    onnx.save(model, tmp_path / "best.onnx")
    (photograph,) = (file for file in PHOTOGRAPHS if file.stem == "zidane")
    sure = code.replace("0.25", "0.5")
    below = re.sub(r"^left, top = .*$", "left, top = 0, 0", sure, flags=re.MULTILINE)
    assert below != sure
    found = [len(run(each, tmp_path, photograph, monkeypatch)["boxes_xyxy"]) for each in (sure, below)]
    assert found == [2, 4]
