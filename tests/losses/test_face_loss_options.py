"""What the settings offer beyond the paper's equation: off, it is the equation to the last bit; on, identities hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import former_face_loss as former
import pytest
import torch
from face_batches import DIFFICULT, FACES, face_batch
from test_anchor_face_loss import ITEMS, SIZE, build_head, gains, perfect_maps, random_maps, run
from test_free_face_loss import build_model, losses_and_gradients
from torch import Tensor

from ultra_face.losses import landmarks
from ultra_face.losses.crowds import image_weights
from ultra_face.losses.face_loss import AnchorFaceLoss
from ultra_face.losses.free_face_loss import FreeFaceLoss, WeightedScores
from ultra_face.losses.settings import FaceLossSettings

PAPER = FaceLossSettings(alpha=3, alpha_start=3)
SETTINGS = [PAPER, FaceLossSettings(alpha=1), FaceLossSettings(landmark_weight=0.5, wing_width=4, wing_epsilon=1)]
BATCHES = {"faces": face_batch(), "no flags": face_batch(values=2), **DIFFICULT}
EVEN = face_batch([*FACES, (1, 0.3, 0.7, 0.2, 0.2)])
"""Two faces in each of two images."""


def with_gradients(criterion: Callable[..., Any], head: Any, batch: dict[str, Tensor]) -> tuple[Any, ...]:
    maps = random_maps(head)
    losses, items = criterion({"raw": maps}, batch)
    losses.sum().backward()
    return losses.detach(), items, [level.grad for level in maps]


@pytest.mark.parametrize("settings", SETTINGS, ids=["paper", "CIoU", "other wing"])
@pytest.mark.parametrize("batch", BATCHES.values(), ids=BATCHES)
def test_the_papers_equation_is_what_it_was_to_the_last_bit(
    batch: dict[str, Tensor], settings: FaceLossSettings
) -> None:
    head = build_head(batch["keypoints"].shape[2])
    now = with_gradients(AnchorFaceLoss(head, gains(), settings), head, batch)
    before = with_gradients(former.AnchorFaceLoss(head, gains(), settings), head, batch)
    torch.testing.assert_close(now, before, rtol=0, atol=0)


@pytest.mark.parametrize("settings", SETTINGS, ids=["paper", "CIoU", "other wing"])
def test_and_so_is_that_of_the_head_without_anchors(settings: FaceLossSettings) -> None:
    model, batch = build_model(), face_batch()
    now = losses_and_gradients(FreeFaceLoss(model, settings), model, batch)
    before = losses_and_gradients(former.FreeFaceLoss(model, settings), model, batch)
    torch.testing.assert_close(now, before, rtol=0, atol=0)


@pytest.mark.parametrize(
    "option",
    [
        {"crowd_exponent": 0.5},
        {"ratio_limit": 2.5},
        {"simota": 10},
        {"positive_exponent": 1},
        {"objectness_gain": 2, "objectness_target": 0, "objectness_divisor": 0},
        {"landmark_units": 10},
    ],
    ids=str,
)
@pytest.mark.parametrize("batch", DIFFICULT.values(), ids=DIFFICULT)
def test_difficult_batches_give_finite_losses_and_gradients(batch: dict[str, Tensor], option: dict[str, float]) -> None:
    head = build_head()
    losses, _, gradients = with_gradients(AnchorFaceLoss(head, gains(), FaceLossSettings(**option)), head, batch)
    assert losses.isfinite().all()
    assert all(gradient.isfinite().all() for gradient in gradients)


def test_images_with_equally_many_faces_weigh_alike() -> None:
    head = build_head()
    _, plain = run(head, random_maps(head), EVEN, PAPER)
    _, weighed = run(head, random_maps(head), EVEN, FaceLossSettings(alpha=3, alpha_start=3, crowd_exponent=0.5))
    torch.testing.assert_close(weighed, plain)


def test_a_crowd_weighs_less_than_its_faces() -> None:
    # 1, 4 and 0 faces weigh 1, 1 / 2 and 1, before the factor 5 / (1 x 1 + 4 x 1 / 2) that makes the mean 1.
    weights = image_weights(torch.tensor([0, 1, 1, 1, 1]), 3, exponent=0.5)
    torch.testing.assert_close(weights, torch.tensor([1, 0.5, 1]) * 5 / 3)
    torch.testing.assert_close(image_weights(torch.zeros(0, dtype=torch.long), 2, exponent=0.5), torch.ones(2))


def test_the_terms_of_an_image_count_as_often_as_it_weighs() -> None:
    """Two images of 1 and 2 faces, each alone and together: sums over positives, a weight for each image."""
    head, exponent = build_head(), 1.0
    batch = face_batch([FACES[2], *[(0, *face[1:]) for face in FACES[:2]]])
    settings = FaceLossSettings(crowd_exponent=exponent)

    def alone(image: int) -> tuple[Tensor, int]:
        kept = batch["batch_idx"] == image
        one = {name: tensor[kept] for name, tensor in batch.items()}
        criterion = AnchorFaceLoss(head, gains(box=1), FaceLossSettings())
        count = len(criterion._positives(random_maps(head), one["batch_idx"].long(), one).face)
        return criterion({"raw": random_maps(head)}, one)[1]["box_loss"], count

    (crowd, many), (single, few) = alone(0), alone(1)
    _, together = run(head, random_maps(head), batch, settings, box=1)
    # 2 faces and 1 weigh 1 / 2 and 1.
    expected = (0.5 * many * crowd + few * single) / (0.5 * many + few)
    torch.testing.assert_close(together["box_loss"], expected)


def test_the_head_without_anchors_weighs_images_too() -> None:
    model = build_model()
    even = FaceLossSettings(alpha=3, alpha_start=3, crowd_exponent=0.5)
    plain = losses_and_gradients(FreeFaceLoss(model, PAPER), model, EVEN)
    torch.testing.assert_close(losses_and_gradients(FreeFaceLoss(model, even), model, EVEN), plain)
    uneven = losses_and_gradients(FreeFaceLoss(model, even), model, face_batch())[1]
    before = losses_and_gradients(FreeFaceLoss(model, PAPER), model, face_batch())[1]
    for name in ("box_loss", "pose_loss", "cls_loss", "dfl_loss"):
        assert uneven[name] != before[name]
    scores = WeightedScores(reduction="none")
    logits = torch.zeros(2, 3, 1)
    scores.images = torch.tensor([2.0, 0.5])
    expected = torch.tensor([2.0, 0.5])[:, None, None] * torch.full_like(logits, 2.0).log()  # ln 2 at the logit 0
    torch.testing.assert_close(scores(logits, torch.ones_like(logits)), expected)


def test_positives_of_equal_quality_weigh_alike() -> None:
    head, batch = build_head(), face_batch()
    settings = FaceLossSettings(positive_exponent=2)  # all are placed exactly, with the quality 1
    _, weighed = run(head, perfect_maps(head, batch), batch, settings)
    _, plain = run(head, perfect_maps(head, batch), batch)
    torch.testing.assert_close(weighed, plain)


def test_good_positives_weigh_more() -> None:
    head, batch = build_head(), face_batch()
    _, weighed = run(head, random_maps(head), batch, FaceLossSettings(alpha=1, alpha_start=1, positive_exponent=1))
    _, plain = run(head, random_maps(head), batch, FaceLossSettings(alpha=1, alpha_start=1))
    assert weighed["box_loss"] < plain["box_loss"]  # 1 - CIoU falls where the weight rises
    assert weighed["obj_loss"] == plain["obj_loss"]


def test_all_positives_stay_where_all_are_placed_exactly() -> None:
    head, batch = build_head(), face_batch()
    index, classes = batch["batch_idx"].long(), torch.ones(len(FACES), 1, dtype=torch.long)
    criterion = AnchorFaceLoss(head, gains(), FaceLossSettings(simota=1000))
    fitting = criterion._positives(perfect_maps(head, batch), index, batch)
    kept = criterion._best(fitting, classes)
    # Qualities are 1 up to rounding, so that the sum over a face's positives may be one less than their count.
    assert len(fitting.face) - len(FACES) <= len(kept.face) <= len(fitting.face)
    assert len(fitting.face) > 3 * len(FACES)


def test_a_positive_that_goes_is_asked_for_no_face() -> None:
    head, batch = build_head(), face_batch()
    maps = random_maps(head)
    criterion = AnchorFaceLoss(head, gains(), FaceLossSettings(simota=1))
    criterion({"raw": maps}, batch)[0].sum().backward()
    trained = sum(int(level.grad[:, :, :4].any(2).sum()) for level in maps)
    assert trained == len(FACES)  # k is 1, since no quality sum of one candidate exceeds it


def test_the_ratio_limit_decides_which_anchors_fit() -> None:
    head, batch = build_head(), face_batch()
    index = batch["batch_idx"].long()
    counts = [
        len(
            AnchorFaceLoss(head, gains(), FaceLossSettings(ratio_limit=limit))
            ._positives(random_maps(head), index, batch)
            .face
        )
        for limit in (1.01, 2.5, 4.0)
    ]
    assert counts[0] == 0
    assert counts[1] < counts[2]


def pull(size: float, settings: FaceLossSettings) -> float:
    """Slope of the landmark loss over errors in shares of a face of so many strides, near no error."""
    share = torch.full((1, 1, 2), 1e-3, requires_grad=True)
    visible, ones = torch.ones(1, 1, dtype=torch.bool), torch.ones(1)
    error = share * size
    landmarks.landmark_loss(error, torch.zeros_like(error), visible, settings, size=size * ones, weight=ones).backward()
    return float(share.grad[0, 0, 0])


def test_the_pull_on_landmarks_of_small_and_large_faces() -> None:
    strides, faces = FaceLossSettings(), FaceLossSettings(landmark_units=8)
    # In strides the slope w / epsilon near zero is multiplied by the face's size; in units of the face by 8.
    assert pull(16, strides) / pull(1, strides) == pytest.approx(16, rel=0.02)
    assert pull(16, faces) == pytest.approx(pull(1, faces))
    assert pull(16, faces) == pytest.approx(pull(8, strides))


def test_the_gain_of_objectness_is_its_own() -> None:
    head, batch = build_head(), face_batch()
    _, once = run(head, random_maps(head), batch)
    _, thrice = run(head, random_maps(head), batch, FaceLossSettings(objectness_gain=3))
    factors = {name: float(thrice[name] / once[name]) for name in ITEMS}
    assert factors == pytest.approx({name: 3.0 if name == "obj_loss" else 1.0 for name in ITEMS})


def test_sizes_of_faces_are_in_strides() -> None:
    """With as many units as the face has strides, nothing changes."""
    head = build_head()
    face = (0, 0.5, 0.5, 0.7, 0.7)  # all its positives have the stride 16, see test_anchor_face_loss.py
    batch, moved = face_batch([face]), face_batch([face])
    moved["keypoints"][..., 0] += 3 * 16 / SIZE
    maps = perfect_maps(head, batch)
    _, in_strides = run(head, maps, moved)
    _, in_faces = run(head, maps, moved, FaceLossSettings(landmark_units=0.7 * SIZE / 16))
    torch.testing.assert_close(in_faces["pose_loss"], in_strides["pose_loss"])


@pytest.mark.parametrize("batch", BATCHES.values(), ids=BATCHES)
def test_faces_of_weight_1_change_nothing_to_the_last_bit(batch: dict[str, Tensor]) -> None:
    weighed = batch | {"face_weights": torch.ones(len(batch["cls"]))}
    head, criterion = build_head(batch["keypoints"].shape[2]), AnchorFaceLoss
    now = with_gradients(criterion(head, gains(), PAPER), head, weighed)
    torch.testing.assert_close(now, with_gradients(criterion(head, gains(), PAPER), head, batch), rtol=0, atol=0)


@pytest.mark.parametrize("faces", [FACES, ()], ids=["faces", "no face"])
def test_nor_do_they_without_anchors(faces: tuple[tuple[int, float, float, float, float], ...]) -> None:
    model, batch = build_model(), face_batch(faces)
    now = losses_and_gradients(FreeFaceLoss(model, PAPER), model, batch | {"face_weights": torch.ones(len(faces))})
    torch.testing.assert_close(now, losses_and_gradients(FreeFaceLoss(model, PAPER), model, batch), rtol=0, atol=0)


def test_a_face_of_weight_0_is_none() -> None:
    """The last of three, which stands alone in its image."""
    head, model = build_head(), build_model()
    weighed = face_batch() | {"face_weights": torch.tensor([1.0, 1.0, 0.0])}
    without = face_batch(FACES[:2])
    criterion = AnchorFaceLoss(head, gains(), PAPER)
    torch.testing.assert_close(with_gradients(criterion, head, weighed), with_gradients(criterion, head, without))
    free = FreeFaceLoss(model, PAPER)
    now, before = (losses_and_gradients(free, model, batch)[1] for batch in (weighed, without))
    for name in ("box_loss", "pose_loss", "cls_loss", "dfl_loss"):
        torch.testing.assert_close(now[name], before[name])
    assert (free.assigner._forward_hooks, free.faces) == ({}, None)


def test_a_weight_scales_what_a_face_asks_for() -> None:
    """With a logit of 0 every objectness loses ln 2 whatever is asked; the sum is divided by what is asked."""
    head, batch = build_head(), face_batch(FACES[:1])
    maps = [level.detach() for level in perfect_maps(head, batch)]
    for level in maps:
        level[:, :, 4] = 0
    full, half = (run(head, maps, batch | {"face_weights": torch.tensor([weight])}, PAPER)[1] for weight in (1, 0.5))
    torch.testing.assert_close(half["box_loss"], full["box_loss"])  # a mean
    torch.testing.assert_close(half["obj_loss"], 2 * full["obj_loss"])
