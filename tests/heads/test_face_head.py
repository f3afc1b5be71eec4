"""Weights of a head with other classes or landmarks: which row comes from where, and what a head then knows."""

from __future__ import annotations

import math
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import torch
from small_models import ANCHORS, photograph, small_model, small_yaml
from torch import Tensor, nn
from ultralytics import YOLO
from ultralytics.nn.tasks import PoseModel

import ultra_face
from ultra_face.heads.face_head import class_mixture, class_names, landmark_mixture, mix_rows

ultra_face.register()

ANCHOR_HEADS = ["AnchorPose", "SRPose"]
FREE_HEADS = ["FacePose", "SRFacePose"]
MASKS = {0: "mask", 1: "no mask", 2: "worn badly"}


def named_model(head: str, names: dict[int, str], kpt_shape: tuple[int, int] = (5, 3), *, seed: int = 0) -> Any:
    """A small model with random weights, as many classes as names, and these names."""
    ultra_face.register()
    torch.manual_seed(seed)
    description = small_yaml(head, nc=len(names), kpt_shape=kpt_shape)
    if head in FREE_HEADS:  # with fewer channels the landmark branch is as wide as there are values
        description["backbone"][2][3][0] = 64
    model = PoseModel(description, verbose=False).eval()
    for conv in model.model[-1].modules():
        if isinstance(conv, nn.Conv2d) and conv.bias is not None:
            nn.init.normal_(conv.bias)
    model.names = dict(names)
    return model


def anchor_rows(model: Any, anchor: int, level: int = 0) -> dict[str, Tensor]:
    """The rows of one anchor by what they predict, each with its bias at the end."""
    head = model.model[-1]
    conv = head.predict[level]
    rows = torch.cat([conv.weight.flatten(1), conv.bias[:, None]], 1).view(head.na, head.no, -1)[anchor]
    box, objectness, classes, points = rows.split([4, 1, head.nc, head.nk])
    return {"box": box, "objectness": objectness, "classes": classes, "points": points.unflatten(0, head.kpt_shape)}


def free_rows(model: Any, level: int = 0) -> dict[str, Tensor]:
    """The rows of an anchor-free head by what they predict, each with its bias at the end."""
    head = model.model[-1]
    convs = {"box": head.cv2[level][-1], "classes": head.cv3[level][-1], "points": head.cv4[level][-1]}
    rows = {name: torch.cat([conv.weight.flatten(1), conv.bias[:, None]], 1) for name, conv in convs.items()}
    return rows | {"points": rows["points"].unflatten(0, head.kpt_shape)}


def all_rows(model: Any) -> list[dict[str, Tensor]]:
    """The rows of every level and anchor."""
    head = model.model[-1]
    if hasattr(head, "predict"):
        return [anchor_rows(model, anchor, level) for level in range(head.nl) for anchor in range(head.na)]
    return [free_rows(model, level) for level in range(head.nl)]


# -- mixtures ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "others", "expected"),
    [
        # Known on both sides: by name, in whatever order.
        (["a", "b", "c"], ["c", "a", "b"], [[0, 1, 0], [0, 0, 1], [1, 0, 0]]),
        # A class of its own starts as the mean of all that the weights know.
        (["b", "new"], ["a", "b"], [[0, 1], [1 / 2, 1 / 2]]),
        (["mask", "bare", "badly"], ["face"], [[1], [1], [1]]),
        (["face"], ["a", "b", "c", "d"], [[1 / 4] * 4]),
        # Without a name in common, equally many classes keep their places.
        (["x", "y"], ["a", "b"], [[1, 0], [0, 1]]),
        ([None, None], ["a", "b"], [[1, 0], [0, 1]]),
        (["x", "y"], [None, None], [[1, 0], [0, 1]]),
        ([None, None], ["a"], [[1], [1]]),
    ],
)
def test_classes_pass_by_name_or_as_the_mean(names: list, others: list, expected: list) -> None:
    assert class_mixture(names, others).tolist() == [pytest.approx(row) for row in expected]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ({0: " Face ", 1: "MASK"}, ["face", "mask"]),
        ({0: "0", 1: "1"}, [None, None]),  # what a YAML gives: nobody named them
        ({0: "face"}, [None, None]),  # of another count
        ({0: "face", 2: "mask"}, [None, None]),
        (None, [None, None]),
    ],
)
def test_names_compare_without_case_and_space(names: Any, expected: list) -> None:
    assert class_names(names, 2) == expected


def test_landmarks_keep_x_and_y() -> None:
    # Two landmarks x, y, v -> x, y: rows x, y of each; and back, where v has no row to come from.
    xy_of_xyv = [[1, 0, 0, 0, 0, 0], [0, 1, 0, 0, 0, 0], [0, 0, 0, 1, 0, 0], [0, 0, 0, 0, 1, 0]]
    assert landmark_mixture((2, 2), (2, 3)).tolist() == xy_of_xyv
    assert landmark_mixture((2, 3), (2, 2)).T.tolist() == xy_of_xyv
    assert landmark_mixture((2, 3), (2, 3)).tolist() == torch.eye(6).tolist()
    assert not landmark_mixture((5, 3), (17, 3)).any()  # a nose here is an ear there


def test_rows_without_a_source_stay() -> None:
    own, others = torch.tensor([[1.0], [2.0], [3.0]]), torch.tensor([[10.0], [20.0]])
    mixture = torch.tensor([[0.0, 1.0], [0.0, 0.0], [0.5, 0.5]])
    assert mix_rows(own, others, mixture).tolist() == [[20], [2], [15]]
    assert mix_rows(own[:, 0], others[:, 0], mixture).tolist() == [20, 2, 15]


# -- heads -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("head", [*ANCHOR_HEADS, *FREE_HEADS])
def test_one_class_becomes_three(head: str) -> None:
    source, model = named_model(head, {0: "face"}, seed=1), named_model(head, MASKS, seed=2)
    model.load(source)
    for before, after in zip(all_rows(source), all_rows(model), strict=True):
        expected = before["classes"].repeat(3, 1)
        if head in ANCHOR_HEADS:  # the bias of a start with three classes: odds of 0.6 against the two others
            expected[:, -1] = math.log(0.6 / (3 - 0.99999))
        torch.testing.assert_close(after["classes"], expected, rtol=1e-6, atol=0)
        assert all(torch.equal(after[kind], before[kind]) for kind in before.keys() - {"classes"})
    assert model.names == MASKS
    assert source.names == {0: "face"}


@pytest.mark.parametrize("head", [*ANCHOR_HEADS, *FREE_HEADS])
def test_three_classes_become_their_mean(head: str) -> None:
    source, model = named_model(head, MASKS, seed=1), named_model(head, {0: "face"}, seed=2)
    model.load(source)
    for before, after in zip(all_rows(source), all_rows(model), strict=True):
        torch.testing.assert_close(after["classes"], before["classes"].mean(0, keepdim=True))
        assert all(torch.equal(after[kind], before[kind]) for kind in before.keys() - {"classes"})


@pytest.mark.parametrize("head", [*ANCHOR_HEADS, *FREE_HEADS])
def test_another_order_of_classes(head: str) -> None:
    source = named_model(head, MASKS, seed=1)
    model = named_model(head, {0: "Worn badly ", 1: "mask", 2: "no mask"}, seed=2)
    model.load(source)
    for before, after in zip(all_rows(source), all_rows(model), strict=True):
        assert torch.equal(after["classes"], before["classes"][[2, 0, 1]])
        assert all(torch.equal(after[kind], before[kind]) for kind in before.keys() - {"classes"})
    # So the same face gets the same score, under the class of the same name.
    x = photograph()
    with torch.no_grad():
        scores, expected = model.eval()(x)[0][:, 4:7], source.eval()(x)[0][:, 4:7]
    count = expected.shape[2]
    torch.testing.assert_close(scores[..., :count], expected[:, [2, 0, 1]])


@pytest.mark.parametrize("head", [*ANCHOR_HEADS, *FREE_HEADS])
@pytest.mark.parametrize(("before", "after"), [((5, 3), (5, 2)), ((5, 2), (5, 3))])
def test_landmarks_pass_with_and_without_visibility(head: str, before: tuple, after: tuple) -> None:
    source = named_model(head, {0: "face"}, before, seed=1)
    model = named_model(head, {0: "face"}, after, seed=2)
    own = all_rows(deepcopy(model))
    model.load(source)
    for given, mine, got in zip(all_rows(source), own, all_rows(model), strict=True):
        assert torch.equal(got["points"][:, :2], given["points"][:, :2])
        assert torch.equal(got["points"][:, 2:], mine["points"][:, 2:])  # none of two values, its own of three
        assert all(torch.equal(got[kind], given[kind]) for kind in given.keys() - {"points"})


@pytest.mark.parametrize("head", ["AnchorPose", "FacePose"])
def test_all_tensors_pass_and_one_line_says_how(head: str, caplog: pytest.LogCaptureFixture) -> None:
    source = named_model(head, {0: "mask", 1: "bare"}, (5, 3))
    model = named_model(head, MASKS, (5, 2))
    model.load(source)
    lines = caplog.messages
    told = [line for line in lines if "weights: " in line]
    assert len(told) == 1
    assert told[0].endswith(
        "classes mask by name, no mask, worn badly as the mean of mask, bare; landmarks (5, 2) from (5, 3); "
        "all else of the head as it is"
    )
    count = len(model.state_dict())
    assert f"Transferred {count}/{count} items from pretrained weights" in lines


def test_the_same_classes_and_landmarks_are_loaded_as_ever(caplog: pytest.LogCaptureFixture) -> None:
    source, model = named_model("AnchorPose", MASKS, seed=1), named_model("AnchorPose", MASKS, seed=2)
    model.load(source)
    torch.testing.assert_close(dict(model.state_dict()), dict(source.state_dict()), rtol=0, atol=0)
    assert "weights: " not in caplog.text


def test_the_names_of_the_weights_name_a_model_without_names() -> None:
    model = PoseModel(small_yaml("AnchorPose", nc=3), verbose=False)
    model.load(named_model("AnchorPose", MASKS))
    assert model.names in (MASKS, {0: "0", 1: "1", 2: "2"})  # older Ultralytics leaves the numbers


def test_a_checkpoint_gives_its_average() -> None:
    average, last = named_model("AnchorPose", {0: "face"}, seed=1), named_model("AnchorPose", {0: "face"}, seed=3)
    model = named_model("AnchorPose", MASKS, seed=2)
    model.load({"ema": average, "model": last})
    assert torch.equal(anchor_rows(model, 0)["box"], anchor_rows(average, 0)["box"])
    model.load({"ema": None, "model": last})
    assert torch.equal(anchor_rows(model, 0)["box"], anchor_rows(last, 0)["box"])


def test_the_source_stays_what_it_is() -> None:
    source = named_model("AnchorPose", {0: "face"}, seed=1)
    before = {name: value.clone() for name, value in source.state_dict().items()}
    named_model("AnchorPose", MASKS, (5, 2), seed=2).load(source)
    torch.testing.assert_close(dict(source.state_dict()), before, rtol=0, atol=0)


@pytest.mark.parametrize("other", ["FacePose", "stock", "more anchors"])
def test_of_another_kind_of_head_nothing_is_taken(other: str) -> None:
    description = small_yaml("AnchorPose", nc=3)
    description["anchors"] = [[*row, 70, 90] for row in ANCHORS]
    source = {
        "FacePose": lambda: small_model("FacePose"),
        "stock": lambda: PoseModel("yolov8n-pose.yaml", verbose=False),
    }.get(other, lambda: PoseModel(description, verbose=False))()
    model = named_model("AnchorPose", MASKS)
    before = all_rows(deepcopy(model))
    model.load(source)
    for mine, after in zip(before, all_rows(model), strict=True):
        assert all(torch.equal(after[kind], mine[kind]) for kind in mine)


# -- what a head knows of itself ---------------------------------------------------------------------------


def head_of(model: Any) -> Any:
    return model.model[-1]


def learned_model(head: str = "AnchorPose", names: dict[int, str] | None = None, **settings: Any) -> Any:
    """A model as after a training: other anchors than in `small_yaml`, and it knows."""
    model = named_model(head, names or {0: "face"}, **settings)
    head_of(model).anchor_wh.mul_(1.5)
    head_of(model).trained = True
    return model


def test_a_new_head_is_not_trained() -> None:
    assert not head_of(small_model("AnchorPose")).trained


def test_a_head_of_an_earlier_checkpoint_is_trained() -> None:
    head = head_of(small_model("AnchorPose"))
    del head.__dict__["trained"]  # as such a pickle has it
    assert head.trained
    assert deepcopy(head).trained


@pytest.mark.parametrize("head", ANCHOR_HEADS)
@pytest.mark.parametrize("names", [{0: "face"}, MASKS], ids=["same classes", "other classes"])
def test_a_head_whose_rows_all_came_is_trained(head: str, names: dict[int, str]) -> None:
    model = named_model(head, names)
    model.load(learned_model(head))
    assert head_of(model).trained
    assert deepcopy(model).model[-1].trained  # the average of a training is a copy


@pytest.mark.parametrize("head", ANCHOR_HEADS)
def test_a_head_is_as_trained_as_its_source(head: str) -> None:
    model = named_model(head, {0: "face"})
    model.load(named_model(head, {0: "face"}, seed=1))  # which Ultralytics does between several data sets
    assert not head_of(model).trained


def test_anchors_without_their_convolutions_are_not_learned() -> None:
    wide = small_yaml("AnchorPose")
    wide["backbone"] = [[-1, 1, "Conv", [16, 3, 2]] for _ in range(5)]
    model = PoseModel(wide, verbose=False)
    model.load(learned_model())
    assert head_of(model).anchor_wh[0, 0].tolist() == [12, 15]  # 8, 10 times 1.5: they came
    assert not head_of(model).trained


def test_a_trunk_alone_changes_nothing() -> None:
    model = learned_model()
    model.load(small_model("FacePose", seed=1))
    assert head_of(model).trained


def test_a_state_dict_alone_will_do() -> None:
    model = small_model("AnchorPose", seed=1)
    model.load_state_dict(learned_model().state_dict())
    assert head_of(model).trained


@pytest.mark.parametrize("head", ANCHOR_HEADS)
def test_the_yaml_tells_the_anchors_that_came(head: str) -> None:
    model = named_model(head, MASKS)
    model.load(learned_model(head))
    # 1.5 times those of the YAML.
    assert model.yaml["anchors"] == [[1.5 * side for side in row] for row in ANCHORS]
    rebuilt = PoseModel(deepcopy(model.yaml), verbose=False)
    assert torch.equal(head_of(rebuilt).anchor_wh, head_of(model).anchor_wh)


def test_anchors_written_into_the_row_of_the_head_are_told_there() -> None:
    description = small_yaml("AnchorPose")
    description["head"][0][3] = ["nc", "kpt_shape", ANCHORS]
    del description["anchors"]
    model = PoseModel(description, verbose=False)
    model.load(learned_model())
    assert "anchors" not in model.yaml
    rebuilt = PoseModel(deepcopy(model.yaml), verbose=False)
    assert torch.equal(head_of(rebuilt).anchor_wh, head_of(model).anchor_wh)


def test_half_precision_does_not_blur_the_yaml() -> None:
    source = learned_model()
    head_of(source).anchor_wh[0] = torch.tensor([[7.4, 16.3], [110.3, 387.9]])
    model = named_model("AnchorPose", {0: "face"})
    model.load(deepcopy(source).half())
    # Half precision holds 387.9 as 388.0, a step of 0.25, and the rest to the tenth.
    assert model.yaml["anchors"][0] == [7.4, 16.3, 110.3, 388.0]


# -- files -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("nc", [1, 3])
def test_a_loaded_yaml_is_saved_with_the_anchors_of_its_head(tmp_path: Path, nc: int) -> None:
    weights = YOLO("yolov5n-aesvc.yaml")
    weights.model = learned_model()
    weights.save(tmp_path / "learned.pt")
    model = YOLO("yolov5n-aesvc.yaml")
    model.model = small_model("AnchorPose", nc=nc)
    model.load(tmp_path / "learned.pt").save(tmp_path / "loaded.pt")
    loaded = YOLO(tmp_path / "loaded.pt").model
    assert loaded.yaml["anchors"] == head_of(loaded).anchor_wh.flatten(1).tolist()
    assert head_of(loaded).trained


def test_the_packaged_weights_become_three_classes(repository: Path) -> None:
    weights = YOLO(repository / "weights" / "yolov5n-aesvc-face.pt").model
    source, model = (PoseModel("yolov5n-aesvc.yaml", nc=nc, verbose=False) for nc in (1, 3))
    model.names = MASKS
    source.load(weights)
    model.load(weights)
    with torch.no_grad():
        faces, expected = model.eval()(photograph())[0], source.eval()(photograph())[0]
    assert head_of(model).trained
    torch.testing.assert_close(faces[:, :4], expected[:, :4])
    torch.testing.assert_close(faces[:, 7:], expected[:, 5:])
    torch.testing.assert_close(faces[:, 4:7], faces[:, 4:5].expand(-1, 3, -1))
