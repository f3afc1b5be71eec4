"""`turn_heads` of a data YAML: what it may say, and what a training set hands out with it and without."""

from __future__ import annotations

import pickle
import random
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from tiny_faces import write_tiny_faces
from ultralytics.data.build import build_dataloader
from ultralytics.models.yolo.pose import PoseTrainer

import ultra_face
from ultra_face.faces import MIRRORED_LANDMARKS
from ultra_face.plugin.callbacks.turned_heads import TurnedHeads, TurningHeads, turn_heads, turn_in_training

ultra_face.register()

FACE_DATA = {"kpt_shape": [5, 3], "flip_idx": list(MIRRORED_LANDMARKS)}
ALWAYS = {"probability": 1, "yaw": 45, "pitch": 0}


def trainer_of(folder: Path, block: str = "", **settings: Any) -> PoseTrainer:
    """A trainer before its first epoch, on data whose YAML ends in `block`."""
    data = write_tiny_faces(folder / "data")
    data.write_text(f"{data.read_text()}{block}\n")
    overrides = {"model": "yolo11n-pose.yaml", "data": data, "project": folder, "device": "cpu", "imgsz": 64}
    trainer = PoseTrainer(overrides={**overrides, "batch": 4, "workers": 0, "plots": False, "mosaic": 0.0, **settings})
    trainer._setup_train()
    return trainer


def host(dataset: Any, block: Any = None, *, task: str = "pose", **data: Any) -> SimpleNamespace:
    """What the callback reads of a trainer."""
    loader = SimpleNamespace(dataset=dataset, reset=lambda: None)
    return SimpleNamespace(
        data={**FACE_DATA, "turn_heads": block, **data}, args=SimpleNamespace(task=task), train_loader=loader
    )


def parts(label: dict[str, Any]) -> list[np.ndarray]:
    return [label["img"], label["instances"].bboxes, label["instances"].keypoints]


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A training set as Ultralytics builds it; tests wrap what it hands out and leave it as it is."""
    return trainer_of(tmp_path_factory.mktemp("stock")).train_loader.dataset


def test_nothing_asked_is_off() -> None:
    assert TurnedHeads.from_yaml({}) is None
    assert TurnedHeads.from_yaml({"turn_heads": False}) is None
    assert TurnedHeads.from_yaml({**FACE_DATA, "turn_heads": {}}) == TurnedHeads(probability=0.3, yaw=45, pitch=25)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            {"turn_heads": True},
            "turn_heads: expected a mapping of settings, got True; known are probability, yaw, pitch",
        ),
        ({"turn_heads": {"roll": 3}}, "turn_heads: unknown key 'roll'; known are probability, yaw, pitch; correct it"),
        ({"turn_heads": {"yaw": 46}}, "turn_heads: yaw: expected a number from 0 to 45, got 46; correct it"),
        ({"turn_heads": {"pitch": -1}}, "turn_heads: pitch: expected a number from 0 to 25, got -1; correct it"),
        ({"turn_heads": {"probability": "half"}}, "probability: expected a number from 0 to 1, got 'half'; correct it"),
        ({"turn_heads": {"yaw": True}}, "turn_heads: yaw: expected a number from 0 to 45, got True; correct it"),
        ({"turn_heads": {"yaw": float("nan")}}, "turn_heads: yaw: expected a number from 0 to 45, got nan; correct it"),
        ({"turn_heads": {}, "kpt_shape": [17, 3]}, r"turn_heads: expected kpt_shape \[5, 3\] or .*, got \[17, 3\] and"),
        ({"turn_heads": {}, "channels": 4}, "turn_heads: expected images of 1 or 3 channels, got 4; leave out"),
    ],
)
def test_wrong_settings(data: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TurnedHeads.from_yaml({**FACE_DATA, **data})


def test_a_wrong_setting_ends_the_run_before_it_begins(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="data YAML, turn_heads: unknown key 'jaw'"):
        trainer_of(tmp_path, "turn_heads: {jaw: 45}")


def test_a_training_without_landmarks() -> None:
    with pytest.raises(ValueError, match=r"turn_heads: expected a training of task pose, .*, got detect; leave out"):
        turn_in_training(host(None, {}, task="detect"))


@pytest.mark.parametrize("data", [None, "imagenet", {"train": "images"}])
def test_trainers_with_other_data_are_left_alone(data: Any) -> None:
    turn_in_training(SimpleNamespace(data=data))  # without a look at anything else


def test_a_training_set_of_another_make() -> None:
    with pytest.raises(ValueError, match=r"turn_heads: expected a training set with .*, got list; leave out"):
        turn_in_training(host([], {}))


def test_the_training_set_turns_heads_and_that_of_validation_does_not(tmp_path: Path) -> None:
    trainer = trainer_of(tmp_path, "turn_heads: {probability: 1.0}")
    assert isinstance(trainer.train_loader.dataset.get_image_and_label, TurningHeads)
    assert "get_image_and_label" not in vars(trainer.test_loader.dataset)
    turning = trainer.train_loader.dataset.get_image_and_label
    trainer.run_callbacks("on_train_epoch_start")
    assert trainer.train_loader.dataset.get_image_and_label is turning  # once, however often it is asked for
    trainer.train_loader.dataset.close_mosaic(trainer.args)
    assert trainer.train_loader.dataset.get_image_and_label is turning


def test_without_the_key_all_is_as_ever(tmp_path: Path) -> None:
    trainer = trainer_of(tmp_path)
    dataset = trainer.train_loader.dataset
    random.seed(0)
    before = random.getstate()
    turn_in_training(trainer)
    assert random.getstate() == before
    assert "get_image_and_label" not in vars(dataset)
    assert not isinstance(dataset.get_image_and_label, TurningHeads)


def test_faces_turn_and_what_the_set_keeps_stays(stock: Any) -> None:
    random.seed(0)
    turning = TurningHeads(stock.get_image_and_label, TurnedHeads(**ALWAYS))
    before, turned = stock.get_image_and_label(0), turning(0)
    for one, other in zip(parts(before), parts(turned), strict=True):
        assert one.shape == other.shape
        assert one.dtype == other.dtype
        assert (one != other).any()
    assert (turned["instances"].keypoints[..., 2] == 2).any()
    # Turned to one side only: all landmarks go there, the nose, which stands out, the farthest.
    shift = (turned["instances"].keypoints - before["instances"].keypoints)[0, :, 0]
    assert (np.sign(shift) == np.sign(shift[2])).all()
    assert np.abs(shift).argmax() == 2
    for one, other in zip(parts(before), parts(stock.get_image_and_label(0)), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_same_seed_turns_the_same(stock: Any) -> None:
    turning = TurningHeads(stock.get_image_and_label, TurnedHeads(**ALWAYS))
    seen = []
    for seed in (1, 1, 2):
        random.seed(seed)
        seen.append(turning(0)["img"])
    np.testing.assert_array_equal(seen[0], seen[1])
    assert (seen[0] != seen[2]).any()


def test_faces_that_do_not_turn_stay_to_the_bit(stock: Any) -> None:
    never = TurningHeads(stock.get_image_and_label, TurnedHeads(probability=0))
    for one, other in zip(parts(stock.get_image_and_label(1)), parts(never(1)), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_landmark_at_the_origin_is_a_missing_one(stock: Any) -> None:
    label = stock.get_image_and_label(0)
    label["instances"].keypoints[0, 4] = [0, 0, 1]  # as Ultralytics flags data without flags
    expected = [part.copy() for part in parts(label)]
    for one, other in zip(expected, parts(turn_heads(label, TurnedHeads(**ALWAYS))), strict=True):
        np.testing.assert_array_equal(one, other)


def test_every_image_of_a_mosaic_may_turn(stock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    def count(self: TurningHeads, index: int) -> dict[str, Any]:
        seen.append(index)
        return turn_heads(self.stock(index), self.settings)

    monkeypatch.setattr(TurningHeads, "__call__", count)
    dataset = pickle.loads(pickle.dumps(stock))
    mosaic = dataset.transforms.transforms[0].transforms[0]
    mosaic.p, dataset.buffer = 1.0, [0, 1, 2, 3]
    turn_in_training(host(dataset, ALWAYS))
    assert len(dataset[0]["keypoints"])
    assert len(seen) == 4  # the image itself and three beside it


def test_workers_that_run_already_turn_heads_too(stock: Any) -> None:
    dataset = pickle.loads(pickle.dumps(stock))
    dataset.augment = False
    dataset.transforms = dataset.build_transforms(SimpleNamespace(mask_ratio=4, overlap_mask=True))
    loader = build_dataloader(dataset, batch=4, workers=1, shuffle=False)
    trainer = host(dataset, ALWAYS)
    trainer.train_loader = loader
    before = next(iter(loader))
    turn_in_training(trainer)
    after = next(iter(loader))
    loader.close()
    assert before["im_file"] == after["im_file"]
    assert (before["img"] != after["img"]).flatten(1).any(1).all()
    assert not torch.equal(before["keypoints"], after["keypoints"])


def test_a_process_that_is_started_anew_gets_the_turning_set(stock: Any) -> None:
    dataset = pickle.loads(pickle.dumps(stock))
    turn_in_training(host(dataset, ALWAYS))
    copy = pickle.loads(pickle.dumps(dataset))
    assert isinstance(copy.get_image_and_label, TurningHeads)
    assert copy.get_image_and_label.stock.__self__ is copy
    images = []
    for one in (dataset, copy):
        random.seed(5)
        images.append(one.get_image_and_label(2)["img"])
    np.testing.assert_array_equal(*images)
