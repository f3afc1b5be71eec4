"""Face models as teachers and students of Ultralytics' distillation."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from small_models import PLAIN, photograph, small_model, small_yaml
from torch import Tensor
from ultralytics.cfg import get_cfg
from ultralytics.nn.distill_model import DistillationModel
from ultralytics.nn.tasks import PoseModel

from ultra_face.plugin.callbacks.training import quieten_teacher

SIDE = 64  # of the square input [px]
SR = {"windows": 2, "window": 32, "scale": 2, "blocks": 0, "doubt": [0.01, 0.9], "max_face": 20, "context": 0.1}
FACE = {
    "batch_idx": torch.tensor([0.0]),
    "cls": torch.tensor([[0.0]]),
    "bboxes": torch.tensor([[0.5, 0.5, 0.3, 0.4]]),
    "keypoints": torch.full((1, 5, 3), 0.5),
}


def student_of(head: str) -> PoseModel:
    if head == "Pose":
        return PoseModel(
            small_yaml("FacePose") | {"head": [[[2, 3, 4], 1, "Pose", ["nc", "kpt_shape"]]]}, verbose=False
        )
    return small_model(head, seed=1)


def distillation(teacher: Any, student: Any) -> DistillationModel:
    student.args = get_cfg(overrides={"imgsz": SIDE})
    torch.manual_seed(0)
    return DistillationModel(teacher_model=teacher, student_model=student).train()


def losses(model: DistillationModel) -> dict[str, Tensor]:
    items: dict[str, Tensor] = model({"img": photograph(2, SIDE, SIDE)} | FACE)[1]
    return items


@pytest.mark.parametrize("student", ["AnchorPose", "FacePose", "Pose"])
def test_a_teacher_with_anchors_weighs_each_cell_by_its_best_score(
    student: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    teacher = small_model("AnchorPose", nc=1)
    model = distillation(teacher, student_of(student))
    weights: list[Tensor] = []
    stock = model.loss_sl2

    def keep_weights(*args: Any, feat_idx: int, teacher_scores: tuple[Tensor, ...]) -> Tensor:
        weights.append(teacher_scores[feat_idx])
        return stock(*args, feat_idx=feat_idx, teacher_scores=teacher_scores)

    monkeypatch.setattr(model, "loss_sl2", keep_weights)
    assert losses(model)["dis_loss"] > 0
    with torch.no_grad():
        predictions = teacher(photograph(2, SIDE, SIDE))[0]
    first = 0
    for weight, side in zip(weights, (8, 4, 2), strict=True):  # cells of 8, 16 and 32 px
        last = first + 2 * side * side  # two anchors a cell
        best = predictions[:, 4, first:last].view(2, 2, side * side).amax(1)
        torch.testing.assert_close(weight[:, 0], best, rtol=1e-4, atol=2e-6)
        first = last


@pytest.mark.parametrize("teacher", ["AnchorPose", "FacePose", "Pose"])
def test_a_student_with_anchors_learns_from_any_teacher(teacher: str) -> None:
    assert losses(distillation(student_of(teacher).eval(), small_model("AnchorPose")))["dis_loss"] > 0


@pytest.mark.parametrize("head", ["SRPose", "SRFacePose"])
def test_a_teacher_takes_no_second_look(head: str) -> None:
    plain, refined = (
        distillation(small_model(name, SR), small_model("AnchorPose", seed=1)) for name in (PLAIN[head], head)
    )
    images = photograph(2, SIDE, SIDE)
    with torch.no_grad():
        looks = [model.teacher_model(images)[0].shape[2] for model in (plain, refined)]
    assert looks[1] > looks[0]  # left to itself, it would take one at these images
    quieten_teacher(SimpleNamespace(model=refined))
    torch.testing.assert_close(losses(refined), losses(plain))


def test_other_models_have_no_teacher() -> None:
    model = small_model("SRPose", SR)
    quieten_teacher(SimpleNamespace(model=model))
    assert model.model[-1].sr.windows == 2
