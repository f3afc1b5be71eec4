"""Adaptive anchors: replaced before training where that helps, and kept by a run that is resumed."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from tiny_faces import IMAGE_SIZE, write_tiny_faces
from torch import Tensor, nn
from ultralytics import YOLO
from ultralytics.nn.tasks import PoseModel

import ultra_face
from ultra_face.callbacks.adaptive_anchors import face_sizes, fit_before_training, set_anchors, yaml_rows

ultra_face.register()

ROWS = [[10, 12, 20, 24], [40, 50, 80, 100]]
FAR_TOO_LARGE = [[400, 400, 500, 500], [600, 600, 700, 700]]


def tiny_yaml(anchors: list[list[float]], head: str = "AnchorPose") -> dict[str, Any]:
    """Two convolutions and a head on strides 8 and 16."""
    arguments = ["nc", "kpt_shape", "anchors"] if head == "AnchorPose" else ["nc", "kpt_shape"]
    return {
        "nc": 1,
        "kpt_shape": [5, 3],
        "anchors": anchors,
        "backbone": [[-1, 1, "Conv", [16, 3, 8]], [-1, 1, "Conv", [16, 3, 2]]],
        "head": [[[0, 1], 1, head, arguments]],
    }


def labels(sizes: list[tuple[float, float]], shape: tuple[int, int] = (320, 640)) -> list[dict[str, Any]]:
    """One image of `shape` (height, width) whose faces have these sizes [px of the image]."""
    boxes = [[0.5, 0.5, w / shape[1], h / shape[0]] for w, h in sizes]
    return [{"bboxes": np.array(boxes, np.float32).reshape(-1, 4), "shape": shape}]


def trainer_of(
    anchors: list[list[float]],
    sizes: list[tuple[float, float]],
    *,
    head: str = "AnchorPose",
    **arguments: Any,
) -> SimpleNamespace:
    """What the callback reads of a trainer, before its first epoch."""
    model = PoseModel(tiny_yaml(anchors, head), verbose=False)
    defaults = {"imgsz": 640, "resume": False, "seed": 0, "model": "tiny.yaml", "pretrained": True}
    return SimpleNamespace(
        model=model,
        ema=SimpleNamespace(ema=deepcopy(model)),
        args=SimpleNamespace(**(defaults | arguments)),
        train_loader=SimpleNamespace(dataset=SimpleNamespace(labels=labels(sizes))),
    )


def anchors_of(model: nn.Module) -> list[list[float]]:
    buffer: Tensor = model.model[-1].anchor_wh
    return buffer.flatten(1).tolist()


def test_anchors_change_in_the_model_its_average_and_its_yaml() -> None:
    # Four faces of each size: no anchor of 400 px or more fits any of them, and clusters of identical sizes are
    # those sizes.
    sizes = [(10, 12), (20, 24), (40, 50), (80, 100)] * 4
    trainer = trainer_of(FAR_TOO_LARGE, sizes)
    fit_before_training(trainer)
    for model in (trainer.model, trainer.ema.ema):
        np.testing.assert_allclose(anchors_of(model), ROWS, atol=0.1)
        assert model.yaml["anchors"] == [pytest.approx(row, abs=0.1) for row in ROWS]


def test_a_model_rebuilt_from_the_changed_yaml_has_the_anchors() -> None:
    trainer = trainer_of(FAR_TOO_LARGE, [(10, 12), (20, 24), (40, 50), (80, 100)] * 4)
    fit_before_training(trainer)
    rebuilt = PoseModel(deepcopy(trainer.model.yaml), verbose=False)
    assert anchors_of(rebuilt) == anchors_of(trainer.model)


CLOSE_TO_ROWS = [(11, 13), (22, 26), (44, 55), (88, 110)] * 4  # within a ratio of 4, yet no exact fit


def test_clusters_that_fit_better_replace_anchors_of_full_recall() -> None:
    trainer = trainer_of(ROWS, CLOSE_TO_ROWS)
    fit_before_training(trainer)
    np.testing.assert_allclose(anchors_of(trainer.model), [[11, 13, 22, 26], [44, 55, 88, 110]], atol=0.1)


def test_anchors_that_fit_exactly_are_kept() -> None:
    trainer = trainer_of(ROWS, [(10, 12), (20, 24), (40, 50), (80, 100)] * 4)
    fit_before_training(trainer)
    assert anchors_of(trainer.model) == anchors_of(trainer.ema.ema) == ROWS
    assert trainer.model.yaml["anchors"] == ROWS


@pytest.mark.parametrize("start", [{"model": "best.pt"}, {"pretrained": "best.pt"}], ids=["model", "pretrained"])
def test_weights_keep_the_anchors_they_have_learned(start: dict[str, str]) -> None:
    trainer = trainer_of(ROWS, CLOSE_TO_ROWS, **start)
    fit_before_training(trainer)
    assert anchors_of(trainer.model) == ROWS


def test_weights_whose_anchors_miss_faces_get_new_ones() -> None:
    trainer = trainer_of(FAR_TOO_LARGE, CLOSE_TO_ROWS, model="best.pt")
    fit_before_training(trainer)
    np.testing.assert_allclose(anchors_of(trainer.model), [[11, 13, 22, 26], [44, 55, 88, 110]], atol=0.1)


def test_a_resumed_run_keeps_the_anchors_of_its_checkpoint() -> None:
    trainer = trainer_of(FAR_TOO_LARGE, [(10, 12), (20, 24), (40, 50), (80, 100)] * 4, resume="runs/last.pt")
    fit_before_training(trainer)
    assert anchors_of(trainer.model) == anchors_of(trainer.ema.ema) == FAR_TOO_LARGE


@pytest.mark.parametrize("num_faces", [0, 3])
def test_fewer_faces_than_anchors_change_nothing(num_faces: int) -> None:
    trainer = trainer_of(FAR_TOO_LARGE, [(10, 12)] * num_faces)
    fit_before_training(trainer)
    assert anchors_of(trainer.model) == FAR_TOO_LARGE


def test_a_head_without_anchors_is_left_alone() -> None:
    trainer = trainer_of(ROWS, [(10, 12)] * 8, head="FacePose")
    before = deepcopy(trainer.model.state_dict())
    fit_before_training(trainer)
    torch.testing.assert_close(dict(trainer.model.state_dict()), dict(before), rtol=0, atol=0)


def test_a_run_without_average_and_with_a_wrapped_model() -> None:
    trainer = trainer_of(FAR_TOO_LARGE, [(10, 12), (20, 24), (40, 50), (80, 100)] * 4)
    trainer.model, trainer.ema = nn.DataParallel(trainer.model), None
    fit_before_training(trainer)
    np.testing.assert_allclose(anchors_of(trainer.model.module), ROWS, atol=0.1)


def test_face_sizes_are_scaled_by_the_long_side() -> None:
    # The long side of the image, 640 px, becomes 320 px: half of everything. A face without width is none.
    sizes = face_sizes(labels([(100, 60), (0, 50)]), image_size=320)
    np.testing.assert_allclose(sizes, [[50, 30]], rtol=1e-6)


def test_face_sizes_of_images_without_faces() -> None:
    assert face_sizes(labels([]), image_size=640).shape == (0, 2)
    assert face_sizes([], image_size=640).shape == (0, 2)


def test_set_anchors_keeps_type_and_place() -> None:
    model = PoseModel(tiny_yaml(ROWS), verbose=False).half()
    buffer = model.model[-1].anchor_wh
    set_anchors(model, np.array([[[1, 2], [3, 4]], [[5, 6], [7, 8.26]]]))
    assert model.model[-1].anchor_wh is buffer
    assert buffer.dtype == torch.float16
    assert model.yaml["anchors"] == [[1, 2, 3, 4], [5, 6, 7, 8.3]]


def test_yaml_rows_are_plain_numbers() -> None:
    rows = yaml_rows(np.array([[[1.04, 2.0]], [[30.06, 4.0]]], np.float32))
    assert rows == [[1.0, 2.0], [30.1, 4.0]]
    assert yaml.safe_load(yaml.safe_dump(rows)) == rows


class InterruptedTrainingError(Exception):
    """Stands for a training that ends before its last epoch."""


def interrupt(trainer: Any) -> None:
    raise InterruptedTrainingError


@pytest.mark.slow
def test_anchors_survive_an_interrupted_and_resumed_training(tmp_path: Path) -> None:
    model_file = tmp_path / "tiny-pose.yaml"
    model_file.write_text(yaml.safe_dump(tiny_yaml(FAR_TOO_LARGE)))
    data = write_tiny_faces(tmp_path / "data")
    model = YOLO(model_file)
    model.add_callback("on_model_save", interrupt)
    with pytest.raises(InterruptedTrainingError):
        model.train(
            data=data, imgsz=IMAGE_SIZE, epochs=2, batch=2, workers=0, device="cpu", amp=False, plots=False,
            project=str(tmp_path), name="run",
        )  # fmt: skip
    last = tmp_path / "run" / "weights" / "last.pt"
    fitted = anchors_of(YOLO(last).model)
    # All faces are half of a 64 px image.
    np.testing.assert_allclose(fitted, np.full((2, 4), 32.0), atol=0.1)

    resumed = YOLO(last)
    resumed.train(resume=True)
    assert anchors_of(resumed.trainer.ema.ema) == fitted
    assert anchors_of(YOLO(last).model) == fitted
