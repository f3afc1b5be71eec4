"""FaceLoss of the anchor head: limits, identities and finite gradients."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
import torch
from face_batches import DIFFICULT, FACES, face_batch
from small_models import small_model
from torch import Tensor

from ultra_face.heads.anchor_pose import AnchorPose
from ultra_face.losses.face_loss import AnchorFaceLoss
from ultra_face.losses.settings import FaceLossSettings

SIZE = 160  # of the square input [px]
ANCHORS = ((10, 12, 25, 30), (40, 50, 75, 95))
ITEMS = ("box_loss", "pose_loss", "kobj_loss", "cls_loss", "obj_loss")


def build_head(values: int = 3, nc: int = 1) -> AnchorPose:
    head = AnchorPose(nc, (5, values), ANCHORS, ch=(8, 8))
    head.stride = torch.tensor([8.0, 16.0])
    return head


def gains(**changes: float) -> SimpleNamespace:
    return SimpleNamespace(**{"box": 7.5, "pose": 12.0, "kobj": 1.0, "cls": 0.5} | changes)


def random_maps(head: AnchorPose, *, scale: float = 1.0, dtype: torch.dtype = torch.float32) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    sides = [int(SIZE / stride) for stride in head.stride.tolist()]
    return [
        (torch.randn(2, head.na, head.no, side, side, generator=generator) * scale).to(dtype).requires_grad_()
        for side in sides
    ]


def run(
    head: AnchorPose,
    maps: list[Tensor],
    batch: dict[str, Tensor],
    settings: FaceLossSettings | None = None,
    **changes: float,
) -> tuple[Tensor, dict[str, Tensor]]:
    return AnchorFaceLoss(head, gains(**changes), settings or FaceLossSettings())({"raw": maps}, batch)


def logit(p: float) -> float:
    return math.log(p / (1 - p))


def perfect_maps(head: AnchorPose, batch: dict[str, Tensor]) -> list[Tensor]:
    """Decoding inverted: raw maps that place every face exactly, from every cell and anchor that can."""
    maps = [torch.zeros_like(level).detach() for level in random_maps(head)]
    for level, stride, anchors in zip(maps, head.stride.tolist(), head.anchor_wh.tolist(), strict=True):
        level[:, :, 4] = -20.0
        for image, box, points in zip(batch["batch_idx"], batch["bboxes"], batch["keypoints"], strict=True):
            x, y, w, h = (box * SIZE / stride).tolist()
            for a, (anchor_w, anchor_h) in enumerate(anchors):
                aw, ah = anchor_w / stride, anchor_h / stride
                for row in range(level.shape[3]):
                    for column in range(level.shape[4]):
                        # centre = 2 s - 0.5 from the cell's corner, size = (2 s)^2 x anchor
                        gates = [
                            (x - column + 0.5) / 2,
                            (y - row + 0.5) / 2,
                            (w / aw) ** 0.5 / 2,
                            (h / ah) ** 0.5 / 2,
                        ]
                        if not all(0 < gate < 1 for gate in gates):
                            continue
                        cell = level[int(image), a, :, row, column]
                        cell[:4] = torch.tensor([logit(gate) for gate in gates])
                        cell[4:6] = 20.0
                        offset = points[:, :2] * SIZE / stride - torch.tensor([column + 0.5, row + 0.5])
                        values = cell[6:].view(5, -1)
                        values[:, :2] = offset / torch.tensor([aw, ah])
                        values[:, 2:] = 20.0
    return [level.requires_grad_() for level in maps]


def test_a_perfect_prediction_costs_next_to_nothing() -> None:
    head, batch = build_head(), face_batch()
    _, items = run(head, perfect_maps(head, batch), batch)
    # IoU is 1 up to float32 rounding of about 1e-6, which the gain 7.5 and alpha 3 multiply.
    assert items["box_loss"] < 1e-4
    assert items["pose_loss"] < 1e-4
    assert items["kobj_loss"] < 1e-6
    assert items["cls_loss"] < 1e-6
    _, random_items = run(head, random_maps(head), batch)
    assert random_items["box_loss"] > 1
    assert random_items["pose_loss"] > 0.1


@pytest.mark.parametrize("direction", [(3.0, 0.0), (0.0, -3.0)])
def test_landmarks_that_are_off_cost_the_wing_of_their_distance(direction: tuple[float, float]) -> None:
    head = build_head()
    face = (0, 0.5, 0.5, 0.7, 0.7)
    batch, moved = face_batch([face]), face_batch([face])
    moved["keypoints"][..., :2] += torch.tensor(direction) * 16 / SIZE
    settings = FaceLossSettings(landmark_weight=0.5, wing_width=10.0, wing_epsilon=2.0)
    # The face is 112 px large, more than 4 times the anchors of stride 8. All its positives have stride 16,
    # and are off by 3 strides in one coordinate of two.
    _, items = run(head, perfect_maps(head, batch), moved, settings, pose=12.0)
    expected = 12 * 0.5 * (10 * math.log(1 + 3 / 2)) / 2
    assert float(items["pose_loss"]) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    ("gain", "scaled"),
    [
        ("box", {"box_loss"}),
        ("pose", {"pose_loss"}),
        ("kobj", {"kobj_loss"}),
        ("cls", {"cls_loss", "obj_loss"}),
    ],
)
def test_a_gain_scales_its_own_items(gain: str, scaled: set[str]) -> None:
    head, batch = build_head(), face_batch()
    maps = random_maps(head)
    _, once = run(head, maps, batch, **{gain: 1.0})
    _, thrice = run(head, maps, batch, **{gain: 3.0})
    factors = {name: float(thrice[name] / once[name]) for name in ITEMS}
    assert factors == pytest.approx({name: 3.0 if name in scaled else 1.0 for name in ITEMS})


def test_losses_are_the_items_times_the_batch_size() -> None:
    head = build_head()
    losses, items = run(head, random_maps(head), face_batch())
    assert tuple(items) == ITEMS
    torch.testing.assert_close(losses.detach(), 2 * torch.stack(list(items.values())))
    assert not any(item.requires_grad for item in items.values())


def test_outputs_of_the_head_in_evaluation_are_taken_too() -> None:
    head, batch = build_head(), face_batch()
    maps = random_maps(head)
    loss = AnchorFaceLoss(head, gains(), FaceLossSettings())
    torch.testing.assert_close(loss((torch.zeros(1), {"raw": maps}), batch)[0], loss({"raw": maps}, batch)[0])


@pytest.mark.parametrize("scale", [1.0, 1e3], ids=["usual", "extreme outputs"])
@pytest.mark.parametrize("batch", DIFFICULT.values(), ids=DIFFICULT)
def test_difficult_batches_give_finite_losses_and_gradients(batch: dict[str, Tensor], scale: float) -> None:
    head = build_head()
    maps = random_maps(head, scale=scale)
    losses, _ = run(head, maps, batch)
    losses.sum().backward()
    assert losses.isfinite().all()
    assert all(level.grad.isfinite().all() for level in maps)
    # The objectness of every cell is trained, whatever the batch holds.
    if scale == 1.0:
        assert all(level.grad[:, :, 4].all() for level in maps)


def test_a_batch_without_faces_trains_nothing_but_the_objectness() -> None:
    head = build_head()
    maps = random_maps(head)
    losses, items = run(head, maps, face_batch(()))
    losses.sum().backward()
    assert [float(items[name]) for name in ITEMS[:4]] == [0, 0, 0, 0]
    assert not any(torch.cat([level.grad[:, :, :4], level.grad[:, :, 5:]], 2).any() for level in maps)


def test_faces_without_landmarks_train_the_boxes_alone() -> None:
    head = build_head()
    maps = random_maps(head)
    losses, items = run(head, maps, face_batch(visibility=0.0))
    losses.sum().backward()
    assert items["box_loss"] > 0
    assert (items["pose_loss"], items["kobj_loss"]) == (0, 0)
    assert not any(level.grad[:, :, 6:].any() for level in maps)


@pytest.mark.parametrize("values", [3, 2])
def test_an_invisible_landmark_can_lie_anywhere(values: int) -> None:
    head, batch = build_head(values), face_batch(values=3)
    batch["keypoints"][1, 3] = 0.0
    moved = {name: tensor.clone() for name, tensor in batch.items()}
    moved["keypoints"][1, 3, :2] = torch.tensor([0.9, -5.0])
    results = []
    for data in (batch, moved):
        maps = random_maps(head)
        losses, _ = run(head, maps, data)
        losses.sum().backward()
        results.append((losses, [level.grad for level in maps]))
    torch.testing.assert_close(results[0], results[1], rtol=0, atol=0)


def test_landmarks_without_a_flag_are_missing_at_the_origin() -> None:
    head = build_head(values=2)
    maps = random_maps(head)
    _, with_landmarks = run(head, maps, face_batch(values=2))
    _, without = run(head, maps, face_batch(visibility=0.0, values=2))
    assert with_landmarks["pose_loss"] > 0
    assert without["pose_loss"] == 0
    assert with_landmarks["kobj_loss"] == without["kobj_loss"] == 0  # two values hold no visibility


def test_half_precision_outputs_are_computed_in_float32() -> None:
    head, batch = build_head(), face_batch()
    half = random_maps(head, dtype=torch.float16)
    losses, _ = run(head, half, batch)
    losses.sum().backward()
    reference, _ = run(head, [level.detach().float() for level in half], batch)
    torch.testing.assert_close(losses, reference)
    assert all(level.grad.dtype == torch.float16 and level.grad.isfinite().all() for level in half)


def test_alpha_one_is_the_ciou_loss_of_the_positives() -> None:
    head, batch = build_head(), face_batch(FACES[:1])
    _, cubed = run(head, random_maps(head), batch, FaceLossSettings(alpha=3))
    _, plain = run(head, random_maps(head), batch, FaceLossSettings(alpha=1))
    assert cubed["box_loss"] != plain["box_loss"]
    assert all(cubed[name] == plain[name] for name in ITEMS[1:])


def test_annealing_sets_alpha_for_the_share_of_the_training() -> None:
    head, batch = build_head(), face_batch()
    annealed = AnchorFaceLoss(head, gains(), FaceLossSettings(alpha=3, alpha_start=1))
    box_losses = []
    for share in (0.0, 0.5, 1.0):
        annealed.anneal(share)
        box_losses.append(annealed({"raw": random_maps(head)}, batch)[1]["box_loss"])
    expected = [run(head, random_maps(head), batch, FaceLossSettings(alpha=a))[1]["box_loss"] for a in (1, 2, 3)]
    assert box_losses == expected


def test_several_classes() -> None:
    head, batch = build_head(nc=3), face_batch()
    batch["cls"] = torch.tensor([[2.0], [0.0], [1.0]])
    maps = random_maps(head)
    for level in maps:
        level.data[:, :, 5:8] = torch.tensor([-20.0, 20.0, -20.0])[:, None, None]
    _, wrong = run(head, maps, batch)
    batch["cls"] = torch.full((3, 1), 1.0)
    _, right = run(head, maps, batch)
    assert wrong["cls_loss"] > 1
    assert right["cls_loss"] < 1e-6


def test_class_weights_scale_the_class_term_class_by_class() -> None:
    head, batch = build_head(nc=3), face_batch()
    batch["cls"] = torch.tensor([[2.0], [0.0], [1.0]])
    maps = random_maps(head)

    def items(*weights: float) -> dict[str, Tensor]:
        loss = AnchorFaceLoss(
            head, gains(), FaceLossSettings(), class_weights=torch.tensor(weights, dtype=torch.double)
        )
        return loss({"raw": maps}, batch)[1]

    alone = [items(1, 0, 0), items(0, 1, 0), items(0, 0, 1)]
    weighted, plain = items(0.5, 1.0, 1.5), run(head, maps, batch)[1]
    # As Ultralytics multiplies its own class term: 0.5 of the first class, 1 of the second, 1.5 of the third.
    expected = sum(weight * one["cls_loss"] for weight, one in zip((0.5, 1.0, 1.5), alone, strict=True))
    torch.testing.assert_close(weighted["cls_loss"], expected)
    torch.testing.assert_close(plain["cls_loss"], sum(one["cls_loss"] for one in alone))
    assert all(weighted[name] == plain[name] for name in ITEMS if name != "cls_loss")


def test_the_model_hands_over_the_class_weights_that_the_trainer_sets() -> None:
    model = small_model("AnchorPose", nc=2)
    model.args = gains()
    assert model.init_criterion().class_weights.tolist() == [1, 1]
    model.class_weights = torch.tensor([0.25, 1.75], dtype=torch.double)
    assert model.init_criterion().class_weights.tolist() == [0.25, 1.75]
