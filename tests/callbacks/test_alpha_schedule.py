"""Alpha rises evenly from its start to its value, and only where a head brings its own criterion."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ultralytics.nn.tasks import PoseModel

import ultra_face
from ultra_face.callbacks.alpha_schedule import anneal_alpha
from ultra_face.losses.settings import FaceLossSettings

ultra_face.register()

GAINS = {"box": 7.5, "cls": 0.5, "dfl": 1.5, "pose": 12.0, "kobj": 1.0}


def trainer_of(model: PoseModel, *, epoch: int, epochs: int) -> SimpleNamespace:
    return SimpleNamespace(model=model, epoch=epoch, epochs=epochs)


def build(name: str) -> PoseModel:
    model = PoseModel(name, verbose=False)
    model.args = SimpleNamespace(**GAINS)
    return model


@pytest.mark.parametrize(
    ("progress", "alpha"),
    [(0.0, 1.0), (0.25, 1.5), (1.0, 3.0)],  # 1 + (3 - 1) x progress
)
def test_alpha_rises_evenly(progress: float, alpha: float) -> None:
    assert FaceLossSettings(alpha=3.0, alpha_start=1.0).alpha_at(progress) == alpha


@pytest.mark.parametrize(
    ("epoch", "epochs", "alpha"),
    [(0, 5, 1.0), (2, 5, 2.0), (4, 5, 3.0), (0, 1, 1.0)],  # the last epoch of several has the full value
)
def test_the_epoch_of_the_trainer_decides(epoch: int, epochs: int, alpha: float) -> None:
    model = build("yolov5n-face.yaml")
    anneal_alpha(trainer_of(model, epoch=epoch, epochs=epochs))
    assert model.criterion.alpha == alpha


def test_the_anchor_free_criterion_follows_too() -> None:
    model = build("yolov5n-aesvc-free.yaml")
    anneal_alpha(trainer_of(model, epoch=1, epochs=3))
    assert model.criterion.bbox_loss.alpha == 2.0


def test_the_criterion_is_kept_from_epoch_to_epoch() -> None:
    model = build("yolov5n-face.yaml")
    anneal_alpha(trainer_of(model, epoch=0, epochs=3))
    criterion = model.criterion
    anneal_alpha(trainer_of(model, epoch=1, epochs=3))
    assert model.criterion is criterion


def test_stock_models_are_left_alone() -> None:
    model = build("yolov5n-pose.yaml")
    anneal_alpha(trainer_of(model, epoch=1, epochs=3))
    assert getattr(model, "criterion", None) is None


def test_without_a_trainer_alpha_has_its_full_value() -> None:
    assert build("yolov5n-face.yaml").init_criterion().alpha == 3.0
