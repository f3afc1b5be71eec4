"""Landmarks at `0 0` of data without flags stay missing through loading and augmentation."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from small_models import small_model, small_yaml
from tiny_faces import write_tiny_faces
from torch import Tensor
from ultralytics.models.yolo.pose import PoseTrainer
from ultralytics.utils import YAML

import ultra_face
from ultra_face.plugin.callbacks.training import mark_before_training

ultra_face.register()

# The face of `tiny_faces` without flags; its last two landmarks, the mouth, are missing.
LABEL = "0 0.5 0.5 0.5 0.5 0.4 0.4 0.6 0.4 0.5 0.5 0 0 0 0\n"


def landmarks_in_training(folder: Path, model: str | Path) -> Tensor:
    """Landmarks (T, 5, 3) of a batch of training, as a mosaic shows them."""
    data = write_tiny_faces(folder / "data")
    data.write_text(data.read_text().replace("[5, 3]", "[5, 2]"))
    for label in (folder / "data" / "labels").glob("*.txt"):
        label.write_text(LABEL)
    settings = {"model": model, "data": data, "project": folder, "device": "cpu", "imgsz": 64, "batch": 4}
    trainer = PoseTrainer(overrides={**settings, "workers": 0, "plots": False, "mosaic": 1.0})
    trainer._setup_train()
    batch: dict[str, Tensor] = next(iter(trainer.train_loader))
    return batch["keypoints"]


@pytest.mark.parametrize("head", ["AnchorPose", "FacePose"])
def test_missing_landmarks_have_no_flag(tmp_path: Path, head: str) -> None:
    YAML.save(tmp_path / "face.yaml", small_yaml(head, kpt_shape=(5, 2)))
    landmarks = landmarks_in_training(tmp_path, tmp_path / "face.yaml")
    mouth = landmarks[:, 3:]
    assert mouth[..., :2].any()  # the augmentations have moved it from the corner
    assert not mouth[..., 2].any()
    assert landmarks[:, :3, 2].any()


def test_a_stock_model_gets_the_flags_of_ultralytics(tmp_path: Path) -> None:
    assert landmarks_in_training(tmp_path, "yolo11n-pose.yaml")[:, 3:, 2].any()


def test_loaders_that_run_already_start_anew() -> None:
    resets = []
    points = np.ones((1, 5, 3), np.float32)
    points[0, 4, :2] = 0
    loader = SimpleNamespace(
        dataset=SimpleNamespace(labels=[{"keypoints": points}]), reset=lambda: resets.append("reset")
    )
    trainer = SimpleNamespace(model=small_model("FacePose"), data={"kpt_shape": [5, 2]}, train_loader=loader)
    mark_before_training(trainer)
    assert resets == ["reset"]
    torch.testing.assert_close(torch.from_numpy(points[0, :, 2]), torch.tensor([1.0, 1, 1, 1, 0]))


def test_data_with_flags_are_left_alone() -> None:
    trainer = SimpleNamespace(model=small_model("FacePose"), data={"kpt_shape": [5, 3]})
    mark_before_training(trainer)  # without a look at the labels
