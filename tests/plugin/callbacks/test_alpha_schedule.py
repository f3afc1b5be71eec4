"""Alpha rises evenly from its start to its value, and only where a head brings its own criterion."""

from __future__ import annotations

from copy import deepcopy
from types import SimpleNamespace

import pytest
from torch import nn
from ultralytics.nn.tasks import PoseModel
from ultralytics.utils.loss import v8PoseLoss

import ultra_face
from ultra_face.losses.settings import FaceLossSettings
from ultra_face.plugin.callbacks.training import anneal_alpha
from ultra_face.plugin.face_model import face_model

ultra_face.register()

GAINS = {"box": 7.5, "cls": 0.5, "dfl": 1.5, "pose": 12.0, "kobj": 1.0}


def trainer_of(model: nn.Module, *, epoch: int, epochs: int) -> SimpleNamespace:
    return SimpleNamespace(model=model, ema=SimpleNamespace(ema=deepcopy(model)), epoch=epoch, epochs=epochs)


def build(name: str, alpha_start: float = 1.0) -> PoseModel:
    """A model of this YAML whose alpha rises to 3, which has no meaning for stock models."""
    model = PoseModel(name, verbose=False)
    model.model[-1].face_loss = FaceLossSettings(alpha=3.0, alpha_start=alpha_start)
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


@pytest.mark.parametrize("epoch", [0, 2, 4])
def test_alpha_that_starts_at_its_value_is_constant(epoch: int) -> None:
    model = build("yolov5n-face.yaml", alpha_start=3.0)
    anneal_alpha(trainer_of(model, epoch=epoch, epochs=5))
    assert model.criterion.alpha == 3.0


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


def test_the_average_that_is_validated_has_the_same_alpha() -> None:
    trainer = trainer_of(build("yolov5n-face.yaml"), epoch=1, epochs=3)
    anneal_alpha(trainer)
    assert trainer.ema.ema.criterion.alpha == trainer.model.criterion.alpha == 2.0


def test_other_processes_of_a_distributed_run_have_no_average() -> None:
    model = build("yolov5n-face.yaml")
    trainer = trainer_of(nn.DataParallel(model), epoch=1, epochs=3)
    trainer.ema = None
    anneal_alpha(trainer)
    assert model.criterion.alpha == 2.0


class Distillation(nn.Module):
    """A student and its teacher, as Ultralytics' distillation wraps them: no layers of its own."""

    def __init__(self, student: PoseModel, teacher: PoseModel) -> None:
        super().__init__()
        self.student_model, self.teacher_model = student, teacher


def test_a_student_that_learns_from_a_teacher_is_found() -> None:
    student = build("yolov5n-face.yaml")
    anneal_alpha(trainer_of(Distillation(student, build("yolov5n-pose.yaml")), epoch=1, epochs=3))
    assert student.criterion.alpha == 2.0


def test_stock_students_are_left_alone() -> None:
    student = build("yolov5n-pose.yaml")
    anneal_alpha(trainer_of(Distillation(student, build("yolov5n-face.yaml")), epoch=1, epochs=3))
    assert getattr(student, "criterion", None) is None


def test_models_of_another_make_are_left_alone() -> None:
    assert face_model(nn.Linear(1, 1)) is None
    assert face_model("yolov5n-face.yaml") is None


def test_stock_models_are_left_alone() -> None:
    model = build("yolov5n-pose.yaml")
    anneal_alpha(trainer_of(model, epoch=1, epochs=3))
    assert getattr(model, "criterion", None) is None


def test_criteria_without_an_alpha_are_left_alone() -> None:
    model = build("yolov5n-face.yaml")
    model.criterion = criterion = v8PoseLoss(build("yolov5n-pose.yaml"))
    anneal_alpha(trainer_of(model, epoch=1, epochs=3))
    assert model.criterion is criterion


def test_without_a_trainer_alpha_has_its_full_value() -> None:
    assert build("yolov5n-face.yaml").init_criterion().alpha == 3.0
