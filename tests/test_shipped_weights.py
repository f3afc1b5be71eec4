"""The weights in the package find the faces of photographs that Ultralytics ships, from any folder."""

from __future__ import annotations

import re
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from interpreters import run_python
from ultralytics import YOLO
from ultralytics.utils import ASSETS

import ultra_face
from ultra_face import Faces
from ultra_face.evaluation.matching import inclusive_iou

NAME = "yolov5n-aesvc-face.pt"

# Left, top, right and bottom of the faces that look towards the camera [px], by eye.
FACES = {
    "bus.jpg": [[114, 419, 153, 470], [270, 422, 305, 472]],
    "zidane.jpg": [[914, 95, 1055, 275], [549, 258, 664, 436]],
}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> YOLO:
    """The model by its name alone, loaded where no such file lies."""
    ultra_face.register()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("elsewhere"))
        return YOLO(Path(YOLO(NAME).ckpt_path).resolve())  # or tests that load it again would copy it where they run


def xywh(boxes_xyxy: np.ndarray) -> np.ndarray:
    return np.concatenate([boxes_xyxy[:, :2], boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]], axis=1).astype(float)


@pytest.mark.parametrize("photograph", FACES)
def test_finds_the_faces_with_landmarks_inside(model: YOLO, photograph: str) -> None:
    faces = Faces.from_result(model.predict(ASSETS / photograph, device="cpu", verbose=False)[0])
    iou = inclusive_iou(xywh(np.array(FACES[photograph])), xywh(faces.boxes_xyxy))
    assert (iou.max(axis=1) > 0.5).all()
    for found in iou.argmax(axis=1):
        left, top, right, bottom = faces.boxes_xyxy[found]
        x, y = faces.landmarks[found].T
        assert ((x > left) & (x < right) & (y > top) & (y < bottom)).all()
        # Eyes over nose over mouth.
        assert y[:2].max() < y[2] < y[3:].min()


def test_a_network_rebuilt_for_training_is_the_same(model: YOLO) -> None:
    torch.manual_seed(0)
    image = torch.rand(1, 3, 96, 96)
    rebuilt = YOLO("yolov5n-aesvc.yaml").load(model.ckpt_path)
    shipped = YOLO(model.ckpt_path)  # `model` may be fused
    with torch.no_grad():
        expected, found = (built.model.eval()(image)[0] for built in (shipped, rebuilt))
    torch.testing.assert_close(found, expected)


def test_predicts_at_640_px(model: YOLO) -> None:
    assert model.overrides["imgsz"] == 640


def test_the_file_is_small_and_tells_no_place(repository: Path) -> None:
    file = repository / "weights" / NAME
    assert file.stat().st_size < 8e6
    with zipfile.ZipFile(file) as archive:
        (pickled,) = (archive.read(name) for name in archive.namelist() if name.endswith("data.pkl"))
    # A path from the root, of two folders or more, is one of the machine that trained.
    assert re.findall(rb"(?<![\w:/.-])/\w+/[\w/.-]+", pickled) == []


@pytest.mark.slow
def test_the_command_draws_a_picture_without_network(tmp_path: Path) -> None:
    yolo = Path(sys.executable).with_name("yolo")
    arguments = ["predict", f"model={NAME}", f"source={ASSETS / 'bus.jpg'}", f"project={tmp_path}", "device=cpu"]
    done = run_python(str(yolo), *arguments, folder=tmp_path)
    assert re.search(r"bus\.jpg: 640x\d+ \d+ faces", done.stdout)
    assert (tmp_path / "predict" / "bus.jpg").is_file()
