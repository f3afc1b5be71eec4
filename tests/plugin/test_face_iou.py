"""Face models suppress at IoU 0.5 unless the user names an `iou`; stock models keep Ultralytics' 0.7."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from small_models import small_model
from tiny_faces import IMAGE_SIZE, write_tiny_faces
from ultralytics import YOLO
from ultralytics.cfg import entrypoint
from ultralytics.engine import tuner
from ultralytics.nn.backends.base import BaseBackend
from ultralytics.utils import ASSETS, DEFAULT_CFG_DICT
from ultralytics.utils.callbacks import base

import ultra_face
from ultra_face.evaluation.matching import inclusive_iou
from ultra_face.plugin.face_model import FACE_IOU, with_face_iou

STOCK = "yolov8n-pose.yaml"
HEADS = ("AnchorPose", "FacePose", "SRPose", "SRFacePose")
SR = {"windows": 2, "window": 32, "scale": 2, "blocks": 0}
IMAGE = np.zeros((64, 64, 3), np.uint8)


def face_yolo(head: str = "AnchorPose") -> YOLO:
    model = YOLO(STOCK)
    model.model.__dict__.update(small_model(head, SR if head.startswith("SR") else None).__dict__)
    model.model.args = dict(DEFAULT_CFG_DICT)
    model.model.task = "pose"
    return model


class Seen(Exception):  # noqa: N818  (no error: the run has shown its settings and need not go on)
    """Carries the `iou` of a run."""


def show(host: Any) -> None:
    """Stop the run at its first event, and tell its `iou`; a trainer's is that of its validator."""
    raise Seen(getattr(host, "validator", host).args.iou)


EVENTS = {
    "predict": "on_predict_start",
    "track": "on_predict_start",
    "val": "on_val_start",
    "export": "on_export_start",
    "train": "on_pretrain_routine_end",
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_faces(tmp_path_factory.mktemp("data") / "faces")


@pytest.fixture
def iou_of(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., float]:
    """The `iou` that a method of `YOLO` runs with."""
    monkeypatch.chdir(tmp_path)
    files = {"data": str(data), "imgsz": IMAGE_SIZE, "project": str(tmp_path), "plots": False, "workers": 0}
    arguments: dict[str, dict[str, Any]] = {
        "predict": {"source": IMAGE, "imgsz": 64},
        "track": {"source": IMAGE, "imgsz": 64},
        "val": files,
        "export": {"format": "torchscript", "imgsz": 64, "nms": True},
        "train": files | {"epochs": 1, "batch": 2, "device": "cpu", "amp": False},
    }

    def run(model: YOLO, method: str, **named: Any) -> float:
        if method == "track":
            pytest.importorskip("lap", reason="Ultralytics' trackers need it")
        model.add_callback(EVENTS[method], show)
        with pytest.raises(Seen) as seen:
            getattr(model, method)(**arguments[method], **named)
        return float(seen.value.args[0])

    return run


@pytest.mark.parametrize("method", EVENTS)
def test_every_method_has_the_iou_of_its_model_or_of_its_user(iou_of: Callable[..., float], method: str) -> None:
    assert iou_of(face_yolo(), method) == FACE_IOU == 0.5
    assert iou_of(face_yolo(), method, iou=0.7) == 0.7
    assert iou_of(YOLO(STOCK), method) == 0.7
    assert iou_of(YOLO(STOCK), method, iou=0.6) == 0.6


@pytest.mark.parametrize("head", HEADS)
def test_every_head_of_ours(iou_of: Callable[..., float], head: str) -> None:
    assert iou_of(face_yolo(head), "predict") == 0.5


def test_each_call_stands_for_itself(iou_of: Callable[..., float]) -> None:
    model = face_yolo()
    assert [iou_of(model, "predict", **named) for named in ({}, {"iou": 0.7}, {})] == [0.5, 0.7, 0.5]


def test_overrides_of_the_model_count_as_named(iou_of: Callable[..., float]) -> None:
    model = face_yolo()
    model.overrides["iou"] = 0.65
    assert iou_of(model, "predict") == iou_of(model, "val") == 0.65


@pytest.mark.parametrize(("content", "iou"), [({"iou": 0.7}, 0.7), ({"epochs": 1}, 0.5)], ids=["named", "not named"])
def test_a_file_of_settings(iou_of: Callable[..., float], tmp_path: Path, content: dict[str, Any], iou: float) -> None:
    (tmp_path / "settings.yaml").write_text(yaml.safe_dump(content))
    assert iou_of(face_yolo(), "train", cfg=str(tmp_path / "settings.yaml")) == iou


@pytest.mark.parametrize(("named", "iou"), [({}, 0.5), ({"iou": 0.7}, 0.7)], ids=["not named", "named"])
def test_tuning_trains_with_it(monkeypatch: pytest.MonkeyPatch, named: dict[str, float], iou: float) -> None:
    def show_arguments(args: dict[str, Any], **others: Any) -> Any:
        raise Seen(args["iou"])

    monkeypatch.setattr(tuner, "Tuner", show_arguments)
    with pytest.raises(Seen) as seen:
        face_yolo().tune(data="faces.yaml", iterations=1, **named)
    assert seen.value.args == (iou,)


def test_a_resumed_training_keeps_the_iou_of_its_checkpoint() -> None:
    assert with_face_iou(face_yolo(), {"resume": True}, find_yaml=str) == {"resume": True}


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., float]]:
    """The `iou` that a `yolo predict` runs with."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(base.default_callbacks, "on_predict_start", [show])

    def run(line: str) -> float:
        with pytest.raises(Seen) as seen:
            entrypoint(f"yolo predict source={ASSETS} imgsz=64 device=cpu {line}")
        return float(seen.value.args[0])

    return run


def test_the_command_line(command: Callable[[str], float], tmp_path: Path) -> None:
    (tmp_path / "named.yaml").write_text("iou: 0.7\n")
    (tmp_path / "other.yaml").write_text("conf: 0.3\n")
    face = "model=yolov5n-face.yaml"
    assert command(face) == 0.5
    assert command(f"{face} iou=0.7") == 0.7
    assert command(f"{face} cfg=named.yaml") == 0.7
    assert command(f"{face} cfg=other.yaml") == 0.5
    assert command(f"model={STOCK}") == 0.7


EXPORTS_CAN_BE_READ = pytest.mark.skipif(
    not hasattr(BaseBackend, "read_metadata"), reason="this Ultralytics must load an export to read what it says"
)


@pytest.mark.slow
@EXPORTS_CAN_BE_READ
@pytest.mark.filterwarnings("ignore")  # the stock exporter traces, which torch announces to retire
@pytest.mark.parametrize("file_format", ["torchscript", "onnx", "openvino"])
def test_an_exported_model_is_known_by_what_its_file_says(iou_of: Callable[..., float], file_format: str) -> None:
    ours, theirs = (YOLO(name).export(format=file_format, imgsz=64) for name in ("yolov5n-face.yaml", STOCK))
    for method in ("predict", "val"):
        assert iou_of(YOLO(ours, task="pose"), method) == 0.5
        assert iou_of(YOLO(ours, task="pose"), method, iou=0.7) == 0.7
        assert iou_of(YOLO(theirs, task="pose"), method) == 0.7


@EXPORTS_CAN_BE_READ
@pytest.mark.parametrize(("head", "expected"), [*((head, {"iou": 0.5}) for head in HEADS), ("Pose", {})])
def test_the_head_that_a_folder_names(tmp_path: Path, head: str, expected: dict[str, float]) -> None:
    folder = tmp_path / "face_openvino_model"
    folder.mkdir()
    (folder / "metadata.yaml").write_text(f"head: {head}\ntask: pose\n")
    assert with_face_iou(YOLO(folder, task="pose"), {}, find_yaml=str) == expected


def test_a_file_that_says_nothing_is_no_face_model(tmp_path: Path) -> None:
    (tmp_path / "other.onnx").write_bytes(b"")
    assert with_face_iou(YOLO(tmp_path / "other.onnx", task="pose"), {}, find_yaml=str) == {}


def overlaps(result: Any) -> float:
    """The largest IoU of two boxes."""
    boxes = result.boxes.xywh.numpy().astype(float)
    boxes[:, :2] -= boxes[:, 2:] / 2
    return float(np.triu(inclusive_iou(boxes, boxes), 1).max())


def test_the_shipped_weights_find_each_face_once(repository: Path, tmp_path: Path) -> None:
    ultra_face.register()
    model = YOLO(shutil.copy(repository / "weights" / "yolov5n-aesvc-face.pt", tmp_path / "face.pt"))

    def look(**named: float) -> Any:
        return model.predict(ASSETS / "zidane.jpg", device="cpu", verbose=False, **named)[0]

    assert (look(conf=0.25).boxes.conf > 0.5).sum() == 2
    # Where even doubtful boxes are shown, 0.7 shows doubles. IoU in inclusive pixels is a little larger.
    assert overlaps(look(conf=0.01)) < 0.51
    assert overlaps(look(conf=0.01, iou=0.7)) > 0.6
