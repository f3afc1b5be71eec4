"""Adaptive anchors: replaced before training where that helps, and kept by a run that is resumed."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from tiny_faces import IMAGE_SIZE, write_tiny_faces
from torch import Tensor, nn
from ultralytics import YOLO
from ultralytics.nn.tasks import PoseModel

import ultra_face
from ultra_face.losses.settings import FaceLossSettings
from ultra_face.plugin.callbacks.adaptive_anchors import face_sizes, fit_before_training, set_anchors

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
    weights: nn.Module | None = None,
    **arguments: Any,
) -> SimpleNamespace:
    """What the callback reads of a trainer before its first epoch, which loads `weights` as Ultralytics' does."""
    model = PoseModel(tiny_yaml(anchors, head), verbose=False)
    if weights is not None:
        model.load(weights)
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


def test_a_narrower_ratio_counts_what_it_leaves_out(caplog: pytest.LogCaptureFixture) -> None:
    trainer = trainer_of(ROWS, CLOSE_TO_ROWS)
    trainer.model.model[-1].face_loss = FaceLossSettings(ratio_limit=1.09)
    with caplog.at_level("INFO", logger="ultralytics"):
        fit_before_training(trainer)
    assert "best possible recall 0.0000 -> 1.0000" in caplog.text  # by ratios of 1.1, and by anchors that fit


def test_anchors_that_fit_exactly_are_kept() -> None:
    trainer = trainer_of(ROWS, [(10, 12), (20, 24), (40, 50), (80, 100)] * 4)
    fit_before_training(trainer)
    assert anchors_of(trainer.model) == anchors_of(trainer.ema.ema) == ROWS
    assert trainer.model.yaml["anchors"] == ROWS


def trained(anchors: list[list[float]], **settings: Any) -> nn.Module:
    """A model that has been trained with these anchors."""
    model = PoseModel(tiny_yaml(anchors) | settings, verbose=False)
    model.model[-1].trained = True
    return model


@pytest.mark.parametrize("nc", [1, 3])
def test_weights_keep_the_anchors_they_have_learned(nc: int) -> None:
    # As `YOLO(yaml).load(weights)` leaves it: no option of the run tells of the weights.
    trainer = trainer_of(ROWS, CLOSE_TO_ROWS, weights=trained(ROWS, nc=nc))
    fit_before_training(trainer)
    assert anchors_of(trainer.model) == anchors_of(trainer.ema.ema) == trainer.model.yaml["anchors"] == ROWS


@pytest.mark.parametrize("start", [{"model": "best.pt"}, {"pretrained": "best.pt"}], ids=["model", "pretrained"])
def test_an_option_that_names_weights_decides_nothing(start: dict[str, str]) -> None:
    # `pretrained=False` on a checkpoint, or weights of which the head does not pass: its convolutions are random.
    trainer = trainer_of(ROWS, CLOSE_TO_ROWS, **start)
    fit_before_training(trainer)
    np.testing.assert_allclose(anchors_of(trainer.model), [[11, 13, 22, 26], [44, 55, 88, 110]], atol=0.1)


def test_weights_whose_anchors_miss_faces_get_new_ones() -> None:
    trainer = trainer_of(ROWS, CLOSE_TO_ROWS, weights=trained(FAR_TOO_LARGE))
    fit_before_training(trainer)
    np.testing.assert_allclose(anchors_of(trainer.model), [[11, 13, 22, 26], [44, 55, 88, 110]], atol=0.1)


@pytest.mark.parametrize("anchors", [ROWS, FAR_TOO_LARGE], ids=["kept", "fitted"])
def test_after_the_fit_a_head_knows_that_its_anchors_are_learned(anchors: list[list[float]]) -> None:
    trainer = trainer_of(anchors, [(10, 12), (20, 24), (40, 50), (80, 100)] * 4)
    assert not trainer.model.model[-1].trained
    fit_before_training(trainer)
    assert trainer.model.model[-1].trained
    assert trainer.ema.ema.model[-1].trained  # which is what a checkpoint holds


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
    # The long side of the image, 640 px, becomes 320 px: half of everything.
    sizes = face_sizes(labels([(100, 60), (0, 50)]), image_size=320)
    np.testing.assert_allclose(sizes, [[50, 30], [0, 25]], rtol=1e-6)


@pytest.mark.parametrize("turned", [False, True])
def test_face_sizes_of_rectangular_training(tmp_path: Path, turned: bool) -> None:
    # It takes the shapes out of the labels: the file says them. A face of a tenth of width and height, at 320 px.
    exif = Image.Exif()
    exif[0x0112] = 6 if turned else 1  # the tag of the orientation: a quarter turn to the right
    Image.new("RGB", (80, 40)).save(tmp_path / "wide.jpg", exif=exif)
    label = {"bboxes": np.array([[0.5, 0.5, 0.1, 0.1]]), "im_file": str(tmp_path / "wide.jpg")}
    np.testing.assert_allclose(face_sizes([label], image_size=320), [[16, 32] if turned else [32, 16]])


@pytest.mark.parametrize("tiny", [(0.0064, 0.0064), (0, 50), (1.9, 50)], ids=str)
def test_boxes_under_2_px_are_left_out_and_counted(tiny: tuple[float, float], caplog: pytest.LogCaptureFixture) -> None:
    trainer = trainer_of(FAR_TOO_LARGE, [(10, 12), (20, 24), (40, 50), (80, 100)] * 4 + [tiny] * 300)
    fit_before_training(trainer)
    np.testing.assert_allclose(anchors_of(trainer.model), ROWS, atol=0.1)
    assert "adaptive anchors: " in caplog.text
    assert "left out 300 boxes with a side under 2 px at 640 px" in caplog.text


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


def test_the_yaml_holds_plain_numbers() -> None:
    model = PoseModel(tiny_yaml(ROWS), verbose=False)
    set_anchors(model, np.array([[[1.04, 2.0], [3, 4]], [[30.06, 4.0], [5, 6]]], np.float32))
    rows = model.yaml["anchors"]
    assert rows == [[1.0, 2.0, 3.0, 4.0], [30.1, 4.0, 5.0, 6.0]]
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


# -- as a user trains --------------------------------------------------------------------------------------

# Half of the tiny faces' 32 px: a recall of 1, which clusters of 32 px would raise to a perfect fit.
LEARNED = [[16.0] * 4] * 2


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A checkpoint that was trained with the learned anchors, though its YAML says others."""
    (tmp_path / "weights.yaml").write_text(yaml.safe_dump(tiny_yaml(ROWS)))
    model = YOLO(tmp_path / "weights.yaml", task="pose")
    model.model.model[-1].anchor_wh.copy_(torch.tensor(LEARNED).view(2, 2, 2))
    model.model.model[-1].trained = True
    model.save(tmp_path / "weights.pt")
    return tmp_path / "weights.pt"


def start(way: str, weights: Path) -> tuple[YOLO, dict[str, Any]]:
    """A model and the options of a training that starts from weights, or for `random` does not."""
    yaml_file = weights.with_suffix(".yaml")
    ways: dict[str, Callable[[], tuple[YOLO, dict[str, Any]]]] = {
        "pt": lambda: (YOLO(weights), {}),
        "load": lambda: (YOLO(yaml_file, task="pose").load(weights), {}),
        "pretrained": lambda: (YOLO(yaml_file, task="pose"), {"pretrained": str(weights)}),
        "random": lambda: (YOLO(weights), {"pretrained": False}),
    }
    return ways[way]()


def train(model: YOLO, data: Any, folder: Path, **options: Any) -> Any:
    return model.train(
        data=data, project=str(folder), **{"imgsz": IMAGE_SIZE, "epochs": 1, "batch": 2, "lr0": 1e-6, "workers": 0,
        "device": "cpu", "amp": False, "plots": False, "name": "run"} | options
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("classes", [["face"], ["mask", "no mask", "worn badly"]], ids=["same", "other classes"])
@pytest.mark.parametrize("way", ["pt", "load", "pretrained", "random"])
def test_every_way_to_start_from_weights_keeps_their_anchors(
    tmp_path: Path, weights: Path, way: str, classes: list[str]
) -> None:
    model, options = start(way, weights)
    data = write_tiny_faces(tmp_path / "data")
    content = yaml.safe_load(data.read_text()) | {"names": dict(enumerate(classes))}
    data.write_text(yaml.safe_dump(content))
    train(model, data, tmp_path, **options)
    expected = np.full((2, 4), 32.0) if way == "random" else LEARNED
    for name in ("last.pt", "best.pt"):
        saved = YOLO(tmp_path / "run" / "weights" / name).model
        np.testing.assert_allclose(anchors_of(saved), expected, atol=0.1)
        np.testing.assert_allclose(saved.yaml["anchors"], expected, atol=0.1)


@pytest.mark.slow
@pytest.mark.parametrize("way", ["load", "scratch"])
def test_several_data_sets_start_alike(tmp_path: Path, weights: Path, way: str) -> None:
    """Ultralytics hands the model that it starts from on as weights, those of a random model as well."""
    model = start("load", weights)[0] if way == "load" else YOLO(weights.with_suffix(".yaml"), task="pose")
    model.add_callback("on_train_end", lambda trainer: None)  # then they are trained in this process
    train(model, [write_tiny_faces(tmp_path / name) for name in ("one", "two")], tmp_path)
    files = sorted(tmp_path.rglob("best.pt"))
    assert len(files) == 2
    for file in files:
        expected = LEARNED if way == "load" else np.full((2, 4), 32.0)
        np.testing.assert_allclose(anchors_of(YOLO(file).model), expected, atol=0.1)


@pytest.mark.slow
def test_rectangular_training_fits_anchors_too(tmp_path: Path) -> None:
    (tmp_path / "tiny-pose.yaml").write_text(yaml.safe_dump(tiny_yaml(FAR_TOO_LARGE)))
    train(YOLO(tmp_path / "tiny-pose.yaml"), write_tiny_faces(tmp_path / "data"), tmp_path, rect=True)
    np.testing.assert_allclose(anchors_of(YOLO(tmp_path / "run" / "weights" / "last.pt").model), 32.0, atol=0.1)
