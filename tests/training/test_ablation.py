"""A row of a comparison is trained, goes on where it was interrupted, is measured once, and says what it was."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from small_models import small_yaml
from tiny_faces import IMAGE_SIZE, write_tiny_faces
from ultralytics import YOLO
from ultralytics.data.utils import check_det_dataset
from ultralytics.nn.tasks import PoseModel, yaml_model_load
from ultralytics.utils.torch_utils import get_num_params

import ultra_face
from training.ablation import __main__ as ablation
from training.ablation.measure import measure, profiles
from training.ablation.rows import ROWS, Row, depthwise_towers, towers, wide_towers
from training.ablation.run import Budget, data_file, model_file, record
from training.ablation.trainer import Meter
from ultra_face import Faces
from ultra_face.evaluation.photographs import Photographs
from ultra_face.formats.annotation import FaceAnnotations
from ultra_face.losses.settings import FaceLossSettings
from ultra_face.pictures.pose import MEAN_FACE, rotation_matrices

EPOCHS = 2
BUDGET = Budget(epochs=EPOCHS, imgsz=IMAGE_SIZE)


@pytest.fixture
def faces(tmp_path: Path) -> dict[str, Any]:
    """What `record` is given of data, budget and folders."""
    ultra_face.register()
    data = write_tiny_faces(tmp_path / "faces", num_images=2)
    return {"data": str(data), "data_name": "noise", "budget": BUDGET, "runs": tmp_path / "runs"}


@pytest.fixture
def small(tmp_path: Path) -> Row:
    """A row of five convolutions with another alpha than its YAML has."""
    file = tmp_path / "small.yaml"
    file.write_text(yaml.safe_dump(small_yaml("AnchorPose")))
    return Row(str(file.with_suffix("")), "is it trained?", {"alpha": 2.0}, recipe={"mosaic": 0.0})


@pytest.fixture
def interrupted(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Trainings end after their first checkpoint, until this is undone."""
    save = Meter._model_save

    def stop(self: Meter, trainer: Any) -> None:
        save(self, trainer)
        raise KeyboardInterrupt

    monkeypatch.setattr(Meter, "_model_save", stop)
    return monkeypatch


@pytest.mark.slow
def test_an_interrupted_row_goes_on_and_is_measured_once_it_is_done(
    faces: dict[str, Any], small: Row, interrupted: pytest.MonkeyPatch
) -> None:
    with pytest.raises(KeyboardInterrupt):
        record("small", small, 3, **faces)
    folder = faces["runs"] / "small-3"
    half_way = json.loads((folder / "meter.json").read_text())
    assert (half_way["epochs"], half_way["steps"], half_way["finished"]) == (1, 1, False)  # two photographs, one batch
    interrupted.undo()
    made = record("small", small, 3, **faces)
    assert (made["epochs"], made["steps"], made["photographs"]) == (EPOCHS, EPOCHS, 2)
    assert made["provenance"]["date"] == json.loads((folder / "begun.json").read_text())["date"]
    assert made["provenance"]["config"]["settings"]["mosaic"] == 0
    assert made["provenance"]["seed"] == 3
    network = torch.load(folder / "weights" / "last.pt", weights_only=False)["ema"]
    assert network.model[-1].face_loss.alpha == 2
    assert made["parameters"] == sum(parameter.numel() for parameter in network.parameters())
    times = json.loads((folder / "meter.json").read_text())["batch_ms"]
    assert len(times) == EPOCHS
    assert made["batch_ms"] == pytest.approx(sum(times) / 2, abs=0.051)  # the median of two, rounded
    # A finished row is not trained again.
    weights = (folder / "weights" / "last.pt").read_bytes()
    assert record("small", small, 3, **faces)["ap50"] == made["ap50"]
    assert (folder / "weights" / "last.pt").read_bytes() == weights
    with pytest.raises(FileExistsError, match=r"small-3: expected a training with .*; choose another folder by --runs"):
        record("small", small, 3, **faces | {"budget": Budget(epochs=3, imgsz=IMAGE_SIZE)})


def test_a_model_as_it_is_needs_no_copy(tmp_path: Path) -> None:
    assert model_file("yolov5n-face.yaml", {}, tmp_path) == "yolov5n-face.yaml"
    assert not list(tmp_path.iterdir())


def test_a_changed_model_is_a_copy_of_the_same_scale(tmp_path: Path) -> None:
    ultra_face.register()
    model = YOLO(model_file("yolov5n-face.yaml", {"alpha": 1, "alpha_start": 1}, tmp_path)).model
    assert model.model[-1].face_loss == FaceLossSettings(alpha=1, alpha_start=1)
    assert model.yaml["scale"] == "n"


def test_data_with_further_settings_are_a_copy_that_finds_the_same_images(tmp_path: Path) -> None:
    data = write_tiny_faces(tmp_path / "faces", num_images=2)
    assert data_file(str(data), {}, tmp_path) == str(data)
    copy = data_file(str(data), {"turn_heads": {"probability": 0.3}}, tmp_path)
    read, stock = (check_det_dataset(file) for file in (copy, data))
    assert read["turn_heads"] == {"probability": 0.3}
    assert (read["train"], read["val"]) == (stock["train"], stock["val"])


def test_profiles_are_faces_turned_far_that_a_sure_box_finds() -> None:
    # The mean face from the front, and turned by 50 degrees, twice: one of these is found, one only with a low score.
    front = (MEAN_FACE[:, :2] - MEAN_FACE[:, :2].min(axis=0)) * 40
    turned = MEAN_FACE @ rotation_matrices(np.array([[50.0, 0, 0]]))[0].T
    turned = (turned[:, :2] - turned[:, :2].min(axis=0)) * 40
    points = np.stack([front, turned + [200, 0], turned + [400, 0]])
    corners = np.concatenate([points.min(axis=1) - 20, points.max(axis=1) + 20], axis=1)
    boxes = np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1)
    landmarks = np.concatenate([points, np.full((3, 5, 1), 2.0)], axis=2)
    labels = FaceAnnotations("a", "here", boxes, landmarks, np.zeros(3, np.bool_))
    photographs = Photographs({"set/a": Path("a.jpg")}, None, {"set/a": labels})
    found = {"set/a": Faces(corners, points, np.array([0.9, 0.8, 0.1]))}
    assert profiles(photographs, found) == {"faces": 2, "found": 1, "from_degrees": 35.0, "at_score": 0.25}


@pytest.mark.parametrize("name", ROWS)
def test_every_row_is_a_model_with_a_loss_that_its_head_knows(name: str, tmp_path: Path) -> None:
    ultra_face.register()
    row = ROWS[name]
    description = yaml_model_load(model_file(f"{row.model}.yaml", row.face_loss, tmp_path, row.layers))
    settings = FaceLossSettings.from_yaml(description.get("face_loss"))
    head = description["head"][-1][2]
    assert head in ("Pose", "FacePose", "AnchorPose")
    assert head == "AnchorPose" or not settings.only_with_anchors()
    assert {key: getattr(settings, key) for key in row.face_loss} == row.face_loss


@pytest.mark.parametrize(
    ("layers", "parameters"),
    [
        # 3 x 3 kernels of 64, 128 and 256 channels, and norms of two values a channel.
        (towers, 9 * (64**2 + 128**2 + 256**2) + 2 * (64 + 128 + 256)),
        (depthwise_towers, (9 + 2) * (64 + 128 + 256)),
        # Kernels from 64 to 128 and from 128 to 256 channels; 256 of the topmost are the scale's most. What is wider
        # needs a wider 1 x 1, too: 3 anchors of 4 + 1 + 1 + 15 rows for each channel.
        (wide_towers, 9 * (64 * 128 + 128 * 256 + 256**2) + 2 * (128 + 256 + 256) + 63 * (64 + 128)),
    ],
)
def test_towers_stand_between_the_levels_and_the_head(layers: Any, parameters: int, tmp_path: Path) -> None:
    ultra_face.register()
    plain = PoseModel("yolov5n-face.yaml", verbose=False)
    model = PoseModel(model_file("yolov5n-face.yaml", {}, tmp_path, layers), verbose=False).eval()
    assert get_num_params(model) - get_num_params(plain) == parameters
    assert model.model[-1].f == [24, 25, 26]
    assert [model.model[layer].f for layer in (24, 25, 26)] == plain.model[-1].f
    with torch.no_grad():
        assert model(torch.zeros(1, 3, 64, 64))[0].shape == (1, 20, 3 * (8 * 8 + 4 * 4 + 2 * 2))


def test_average_precision_over_overlaps_is_the_mean_over_the_thresholds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One face of 32 px in each photograph, found 4 px to the right: IoU 29 / 37 = 0.78 inclusively.

    That is enough at 0.5, 0.55 ... 0.75, six of ten thresholds.
    """
    from ultra_face.faces import Faces

    ultra_face.register()
    data = write_tiny_faces(tmp_path / "faces", num_images=2)
    points = torch.tensor([[[25.6, 25.6], [38.4, 25.6], [32, 32], [25.6, 38.4], [38.4, 38.4]]]).numpy()
    found = Faces(torch.tensor([[20.0, 16, 52, 48]]).numpy(), points, torch.tensor([0.9]).numpy())
    monkeypatch.setattr("training.ablation.measure.detect", lambda *_: found)
    monkeypatch.setattr("training.ablation.measure.YOLO", lambda _: None)
    made = measure(Path("none.pt"), data=str(data), imgsz=IMAGE_SIZE, device="cpu")
    assert made["ap50"]["all"] == 1
    assert made["ap50_95"] == pytest.approx(0.6)
    assert made["landmarks"]["nme_box"] == pytest.approx(0, abs=1e-4)


def call(monkeypatch: pytest.MonkeyPatch, *words: str | Path) -> None:
    monkeypatch.setattr(sys, "argv", ["ablation", "--data", "faces.yaml", "--data-name", "noise", *map(str, words)])
    ablation.main()


def test_what_has_a_record_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for seed in (0, 1):
        (tmp_path / f"stock-{seed}.json").write_text("{}")
    call(monkeypatch, "--rows", "stock", "--seeds", "0", "1", "--results", tmp_path)
    assert "2 runs, of which 2 have a record" in capsys.readouterr().out


def test_several_runs_are_processes_that_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each fails in its own process; all are tried, and the logs tell. The labels have been read before."""
    data = write_tiny_faces(tmp_path / "faces")
    words = ["--rows", "stock", "face", "--parallel", "2", "--runs", tmp_path / "runs", "--results", tmp_path]
    monkeypatch.setattr(ablation.subprocess, "run", started := Started(tmp_path / "faces" / "labels.cache"))
    with pytest.raises(SystemExit, match="ablation: 2 of 2 runs failed; their logs say why"):
        call(monkeypatch, *words, "--time", "10", "--data", data)
    assert "stock-0: failed, see" in capsys.readouterr().out
    minutes = ["--time", "10.0"]  # all of them for both, since both run at once
    assert sorted(line[-8:-2] for line in started.lines) == [
        [*minutes, "--rows", row, "--seeds", "0"] for row in ("face", "stock")
    ]


class Started:
    """Takes the place of `subprocess.run`; every process fails, but not for want of this file."""

    def __init__(self, file: Path) -> None:
        self.file, self.lines = file, []

    def __call__(self, line: list[str], **_: Any) -> Any:
        assert self.file.exists()
        self.lines.append(line)
        return type("Done", (), {"returncode": 1})


def test_a_data_yaml_that_is_missing_starts_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ablation.subprocess, "run", None)
    with pytest.raises(SystemExit, match=r"ablation: .*nowhere.yaml"):
        call(
            monkeypatch, "--rows", "stock", "face", "--runs", tmp_path, "--results", tmp_path, "--data", "nowhere.yaml"
        )


def test_records_of_a_tree_with_changes_are_refused_before_the_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ablation, "RESULTS", tmp_path)
    monkeypatch.setattr(ablation, "provenance", lambda *_: {"dirty": True})
    with pytest.raises(SystemExit, match="ablation: results: records come of a clean commit; commit first"):
        call(monkeypatch, "--rows", "stock", "--results", tmp_path)


def test_time_is_shared() -> None:
    # Ten minutes, four runs one after the other: 150 s each, of which 45 s go by before and after the training.
    assert ablation.share(10, rounds=4) == 105
    with pytest.raises(ValueError, match=r"--time: expected more than 45 s for each run, got 30 s; choose fewer rows"):
        ablation.share(10, rounds=20)
