"""FaceLoss of the anchor-free head: it reduces to Ultralytics' own loss at its limiting settings."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from face_batches import DIFFICULT, FACES, face_batch
from torch import Tensor
from ultralytics.cfg import get_cfg
from ultralytics.nn.tasks import PoseModel
from ultralytics.utils.loss import E2ELoss, v8PoseLoss

import ultra_face
from ultra_face.losses.free_face_loss import EndToEndFaceLoss, FreeFaceLoss
from ultra_face.losses.settings import FaceLossSettings

SIZE = 160  # of the square input [px]
ITEMS = ("box_loss", "pose_loss", "kobj_loss", "cls_loss", "dfl_loss")
LIMIT = FaceLossSettings(alpha=1, landmark_weight=0)


def build_model(values: int = 3, *, nc: int = 1, end2end: bool = False, **gains: float) -> PoseModel:
    """Three convolutions and a FacePose head; its criterion takes the gains of a run from `args`."""
    ultra_face.register()
    layers = [[-1, 1, "Conv", [16, 3, 8]], [-1, 1, "Conv", [16, 3, 2]], [-1, 1, "Conv", [16, 3, 2]]]
    head = [[[0, 1, 2], 1, "FacePose", ["nc", "kpt_shape"]]]
    torch.manual_seed(0)
    yaml = {"nc": nc, "kpt_shape": [5, values], "end2end": end2end, "backbone": layers, "head": head}
    model = PoseModel(yaml, verbose=False).train()
    model.args = get_cfg(overrides=gains)
    return model


def random_predictions(model: PoseModel) -> dict[str, Tensor | list[Tensor]]:
    """Outputs of the head in training, as leaves of the graph."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        outputs = model(torch.rand(2, 3, SIZE, SIZE, generator=generator))
    return {
        name: torch.randn(outputs[name].shape, generator=generator).requires_grad_()
        for name in ("boxes", "scores", "kpts")
    } | {"feats": outputs["feats"]}


def losses_and_gradients(
    criterion: Any, model: PoseModel, batch: dict[str, Tensor]
) -> tuple[Tensor, dict[str, Tensor], list[Tensor]]:
    predictions = random_predictions(model)
    losses, items = criterion(predictions, {name: tensor.clone() for name, tensor in batch.items()})
    losses.sum().backward()
    return losses.detach(), items, [predictions[name].grad for name in ("boxes", "scores", "kpts")]


@pytest.mark.parametrize("values", [3, 2])
def test_reduces_to_ultralytics_loss(values: int) -> None:
    model, batch = build_model(values, pose=0.0), face_batch(values=values)
    ours = losses_and_gradients(FreeFaceLoss(model, LIMIT), model, batch)
    stock = losses_and_gradients(v8PoseLoss(model), model, batch)
    torch.testing.assert_close(ours, stock, rtol=0, atol=0)
    assert all(stock[1][name] > 0 for name in ("box_loss", "cls_loss", "dfl_loss"))


def test_class_weights_act_as_in_ultralytics_loss() -> None:
    model, batch = build_model(nc=2, pose=0.0), face_batch()
    plain = losses_and_gradients(FreeFaceLoss(model, LIMIT), model, batch)
    model.class_weights = torch.tensor([0.5, 1.5])
    ours = losses_and_gradients(FreeFaceLoss(model, LIMIT), model, batch)
    torch.testing.assert_close(ours, losses_and_gradients(v8PoseLoss(model), model, batch), rtol=0, atol=0)
    assert ours[1]["cls_loss"] != plain[1]["cls_loss"]


@pytest.mark.parametrize("values", [3, 2])
def test_alpha_and_wing_change_their_own_items(values: int) -> None:
    model, batch = build_model(values), face_batch(values=values)
    _, ours, _ = losses_and_gradients(FreeFaceLoss(model, FaceLossSettings()), model, batch)
    _, stock, _ = losses_and_gradients(v8PoseLoss(model), model, batch)
    assert tuple(ours) == tuple(stock) == ITEMS
    assert {name for name in ITEMS if ours[name] != stock[name]} == {"box_loss", "pose_loss"}


@pytest.mark.parametrize(
    ("gain", "item"), [("box", "box_loss"), ("pose", "pose_loss"), ("kobj", "kobj_loss"), ("dfl", "dfl_loss")]
)
def test_a_gain_scales_its_own_item(gain: str, item: str) -> None:
    items = []
    for value in (1.0, 3.0):
        model = build_model(**{gain: value})
        items.append(losses_and_gradients(FreeFaceLoss(model, FaceLossSettings()), model, face_batch())[1])
    factors = {name: float(items[1][name] / items[0][name]) for name in ITEMS}
    assert factors == pytest.approx({name: 3.0 if name == item else 1.0 for name in ITEMS})


@pytest.mark.parametrize("batch", DIFFICULT.values(), ids=DIFFICULT)
def test_difficult_batches_give_finite_losses_and_gradients(batch: dict[str, Tensor]) -> None:
    model = build_model()
    losses, _, gradients = losses_and_gradients(FreeFaceLoss(model, FaceLossSettings()), model, batch)
    assert losses.isfinite().all()
    assert all(gradient.isfinite().all() for gradient in gradients)


@pytest.mark.parametrize("values", [3, 2])
def test_faces_without_landmarks_train_no_place_of_a_landmark(values: int) -> None:
    model = build_model(values)
    _, items, (_, _, keypoints) = losses_and_gradients(
        FreeFaceLoss(model, FaceLossSettings()), model, face_batch(visibility=0.0, values=values)
    )
    assert items["box_loss"] > 0
    assert items["pose_loss"] == 0
    places = keypoints.unflatten(1, (5, values))[:, :, :2]
    assert not places.any()


def test_a_landmark_without_a_flag_is_missing_at_the_origin() -> None:
    model, batch, flagged = build_model(2), face_batch(values=2), face_batch(values=3)
    batch["keypoints"][1, 3] = flagged["keypoints"][1, 3] = 0.0
    criterion = FreeFaceLoss(model, FaceLossSettings())
    expected = losses_and_gradients(criterion, model, flagged)
    torch.testing.assert_close(losses_and_gradients(criterion, model, batch), expected, rtol=0, atol=0)


@pytest.mark.parametrize("values", [3, 2])
def test_an_invisible_landmark_can_lie_anywhere(values: int) -> None:
    model, batch = build_model(values), face_batch(FACES)
    batch["keypoints"][1, 3] = 0.0
    moved = {name: tensor.clone() for name, tensor in batch.items()}
    moved["keypoints"][1, 3, :2] = torch.tensor([0.9, -5.0])
    criterion = FreeFaceLoss(model, FaceLossSettings())
    before = losses_and_gradients(criterion, model, batch)
    torch.testing.assert_close(losses_and_gradients(criterion, model, moved), before, rtol=0, atol=0)


def test_annealing_from_alpha_one_starts_as_ultralytics_loss() -> None:
    model, batch = build_model(pose=0.0), face_batch()
    criterion = FreeFaceLoss(model, FaceLossSettings(alpha=3, alpha_start=1, landmark_weight=0))
    stock = losses_and_gradients(v8PoseLoss(model), model, batch)
    at_the_end = losses_and_gradients(criterion, model, batch)
    criterion.anneal(0.0)
    at_the_start = losses_and_gradients(criterion, model, batch)
    torch.testing.assert_close(at_the_start, stock, rtol=0, atol=0)
    assert at_the_end[1]["box_loss"] != stock[1]["box_loss"]


def test_the_model_builds_its_criterion_from_the_yaml() -> None:
    model = build_model()
    model.model[-1].face_loss = FaceLossSettings(alpha=2.0, wing_width=7.0)
    criterion = model.init_criterion()
    assert isinstance(criterion, FreeFaceLoss)
    assert criterion.bbox_loss.alpha == 2.0
    assert criterion.keypoint_loss.settings.wing_width == 7.0


def two_branches(model: PoseModel) -> dict[str, dict[str, Tensor]]:
    """Outputs of both branches of an end-to-end head in training."""
    with torch.no_grad():
        outputs: dict[str, dict[str, Tensor]] = model(torch.rand(2, 3, SIZE, SIZE))
    return outputs


def test_two_branches_reduce_to_ultralytics_loss() -> None:
    model = build_model(end2end=True, pose=0.0)
    outputs = two_branches(model)
    ours = EndToEndFaceLoss(model, LIMIT)(outputs, face_batch())
    torch.testing.assert_close(ours, E2ELoss(model, v8PoseLoss)(outputs, face_batch()), rtol=0, atol=0)
    assert all(ours[1][name] > 0 for name in ("box_loss", "cls_loss", "dfl_loss"))


def test_annealing_reaches_both_branches() -> None:
    criterion = EndToEndFaceLoss(build_model(end2end=True), FaceLossSettings(alpha=3, alpha_start=1))
    criterion.anneal(0.5)
    # Half of the way from 1 to 3.
    assert (criterion.one2many.bbox_loss.alpha, criterion.one2one.bbox_loss.alpha) == (2.0, 2.0)


def test_an_end_to_end_model_learns_in_both_branches() -> None:
    model = build_model(end2end=True)
    losses, items = model.loss({"img": torch.rand(2, 3, SIZE, SIZE)} | face_batch())
    losses.sum().backward()
    assert tuple(items) == ITEMS
    head = model.model[-1]
    for branch in (head.cv2, head.cv3, head.cv4, head.one2one_cv2, head.one2one_cv3, head.one2one_cv4):
        assert any(parameter.grad is not None and parameter.grad.any() for parameter in branch.parameters())
