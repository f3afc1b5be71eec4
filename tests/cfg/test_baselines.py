"""The baselines of the papers' tables have the parameters that their authors publish, and take five landmarks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from torch import nn
from ultralytics.cfg import get_cfg
from ultralytics.nn import tasks

import ultra_face

ultra_face.register()

MODELS = Path(__file__).resolve().parents[2] / "cfg" / "models"
STOCK_HEAD = ["yolov3-pose", "yolov7-tiny-pose"]
ULTRALYTICS = ["yolov8n-pose", "yolov8s-pose", "yolo11n-pose", "yolo26n-pose"]


def parameters(layers: nn.Module) -> int:
    return sum(parameter.numel() for parameter in layers.parameters())


def coupled_head(channels: tuple[int, ...], outputs: int) -> int:
    """Parameters of one 1 x 1 convolution a level."""
    return sum(c * outputs + outputs for c in channels)


def pose_model(name: str, **changes: Any) -> tasks.PoseModel:
    return tasks.PoseModel(tasks.yaml_model_load(f"{name}.yaml") | changes, verbose=False)


def test_every_other_yaml_is_of_the_yolov5_family() -> None:
    assert sorted(path.stem for path in MODELS.glob("*.yaml") if not path.stem.startswith("yolov5-")) == STOCK_HEAD


@pytest.mark.parametrize(
    ("name", "published"),
    [  # Table of YOLO5Face [millions], with one class and two values a landmark
        ("yolov5n-yolo5face-shuffle-half", 0.447),
        ("yolov5n-yolo5face-shuffle", 1.726),
        ("yolov5s-yolo5face", 7.075),
        ("yolov5m-yolo5face", 21.063),
        ("yolov5l-yolo5face", 46.627),
    ],
)
def test_yolo5face_has_the_published_parameters(name: str, published: float) -> None:
    assert round(parameters(pose_model(name, nc=1, kpt_shape=[5, 2])) / 1e6, 3) == published


def test_half_width_is_all_that_tells_n_and_n_half_apart() -> None:
    whole, half = (
        yaml.safe_load((MODELS / f"yolov5-yolo5face-{name}.yaml").read_text(encoding="utf-8"))
        for name in ("shuffle", "shuffle-half")
    )
    assert (whole.pop("scales"), half.pop("scales")) == ({"n": [1.0, 1.0, 1024]}, {"n": [1.0, 0.5, 1024]})
    assert half == whole


def test_the_trunk_of_yolov7_tiny_is_the_published_one() -> None:
    trunk = pose_model("yolov7-tiny-pose").model[:-1]
    # Wang et al. 2022 publish 6.2 M for 80 classes: 3 anchors x (5 + 80) outputs.
    assert round((parameters(trunk) + coupled_head((128, 256, 512), 255)) / 1e6, 1) == 6.2
    # A log of the authors' code for 4 classes, 3 x (5 + 4) outputs: issue 958 of WongKinYiu/yolov7.
    assert parameters(trunk) + coupled_head((128, 256, 512), 27) == 6_022_129


def test_the_trunk_of_yolov3_is_the_published_one() -> None:
    trunk = pose_model("yolov3-pose").model[:-1]
    # 61.9 M for 80 classes, ultralytics/yolov3.
    assert round((parameters(trunk) + coupled_head((256, 512, 1024), 255)) / 1e6, 1) == 61.9


@pytest.mark.parametrize("name", STOCK_HEAD)
def test_builds_predicts_and_trains_with_the_stock_head_and_loss(name: str) -> None:
    model = pose_model(name).eval()
    assert model.stride.tolist() == [8, 16, 32]
    height, width = 64, 96
    with torch.no_grad():
        decoded, _ = model(torch.zeros(1, 3, height, width))
    cells = sum((height // stride) * (width // stride) for stride in (8, 16, 32))
    # Box 4, one class, five landmarks of three values.
    assert decoded.shape == (1, 4 + 1 + 15, cells)
    assert decoded.isfinite().all()
    model.args = get_cfg()
    assert type(model.init_criterion()).__module__ == "ultralytics.utils.loss"


@pytest.mark.parametrize("name", [*STOCK_HEAD, *ULTRALYTICS])
def test_face_loss_takes_one_changed_line(name: str) -> None:
    """As docs/parameters.md says: `FacePose` in place of the head in the last row, and no end-to-end pair."""
    changed = tasks.yaml_model_load(f"{name}.yaml") | {"nc": 1, "kpt_shape": [5, 3], "end2end": False}
    assert changed["head"][-1][2] in {"Pose", "Pose26"}
    changed["head"][-1][2] = "FacePose"
    model = tasks.PoseModel(changed, verbose=False).train()
    model.args = get_cfg()
    batch = {
        "img": torch.rand(1, 3, 64, 64),
        "batch_idx": torch.zeros(1),
        "cls": torch.zeros(1, 1),
        "bboxes": torch.tensor([[0.5, 0.5, 0.4, 0.5]]),
        "keypoints": torch.tensor([[[0.4, 0.4, 2], [0.6, 0.4, 2], [0.5, 0.5, 2], [0.4, 0.6, 2], [0.6, 0.6, 2]]]),
    }
    loss, _ = model(batch)
    assert type(model.criterion).__module__.startswith("ultra_face.losses.")
    assert loss.isfinite().all()
    assert loss.sum() > 0
