"""A teacher beside the labels: weights and faces by arithmetic, the helper head at its limits, a whole training."""

from __future__ import annotations

import csv
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
import yaml
from face_batches import face_batch
from tiny_faces import IMAGE_SIZE, write_tiny_faces
from torch import Tensor
from ultralytics import YOLO
from ultralytics.nn.tasks import PoseModel
from ultralytics.utils import ASSETS

import ultra_face
from training.taught.__main__ import main
from training.taught.helper import BETA, GAINS, HelperHead
from training.taught.teacher import Teacher, Teaching, taught, weigh
from training.taught.trainer import TaughtLoss, TaughtTrainer

TEACHING = Teaching(keep=0.4, full=0.8, floor=0.25)
STRIDES, SIDE = (8, 16), 32
MODELS = Path(__file__).resolve().parents[2] / "cfg" / "models"


def test_a_label_weighs_by_what_the_teacher_sees_of_it() -> None:
    labels = torch.tensor([[0.0, 0, 10, 10], [50, 0, 60, 10], [0, 50, 10, 60], [50, 50, 60, 60]])
    seen = torch.tensor(
        [
            [0.0, 0, 10, 10, 0.9],  # as sure as can be
            [50, 0, 60, 5, 0.4],  # IoU 0.5
            [0, 50, 10, 54, 0.9],  # IoU 0.4 does not show the face of the label, nor another
            [100, 100, 110, 110, 0.25],
            [150, 100, 152, 110, 0.9],  # under 3 px
            [200, 100, 210, 110, 0.24],
        ]
    )
    weights, new = weigh(labels, seen, TEACHING, TEACHING.keep)
    torch.testing.assert_close(weights, torch.tensor([1.0, 0.4 + 0.6 * 0.4 / 0.8, 0.4, 0.4]))
    assert new.tolist() == [False, False, False, True, False, False]


@pytest.mark.parametrize(("labels", "seen"), [(0, 0), (0, 1), (2, 0)])
def test_images_without_labels_or_without_what_is_seen(labels: int, seen: int) -> None:
    boxes, faces = torch.tensor([[0.0, 0, 10, 10]] * labels), torch.tensor([[0.0, 0, 10, 10, 0.9]] * seen)
    weights, new = weigh(boxes.view(-1, 4), faces.view(-1, 5), TEACHING, TEACHING.keep)
    assert weights.tolist() == pytest.approx([0.4] * labels)
    assert new.tolist() == [True] * seen


def test_faces_that_only_the_teacher_sees_come_among_those_of_their_image() -> None:
    labels = [(0, 0.5, 0.5, 0.2, 0.2), (1, 0.5, 0.5, 0.2, 0.2)]
    batch = face_batch(labels) | {"img": torch.zeros(3, 3, 100, 200)}
    own = [80.0, 40, 120, 60]
    seen = [
        torch.tensor([[*own, 0.8, 0], [-10, 20, 20, 40, 0.4, 0]]),  # reaches over the edge by 10 px
        torch.tensor([[*own, 0.2, 0]]),
        torch.tensor([[100.0, 0, 120, 30, 0.9, 0]]),
    ]
    fields = taught(batch, seen, TEACHING)
    assert fields["batch_idx"].tolist() == [0, 0, 1, 2]
    torch.testing.assert_close(fields["face_weights"], torch.tensor([1.0, 0.6 * 0.4 / 0.8, 0.4 + 0.6 * 0.25, 0.6]))
    expected = [[0.5, 0.5, 0.2, 0.2], [0.05, 0.3, 0.1, 0.2], [0.5, 0.5, 0.2, 0.2], [0.55, 0.15, 0.1, 0.3]]
    torch.testing.assert_close(fields["bboxes"], torch.tensor(expected))
    assert fields["keypoints"][[1, 3]].abs().sum() == 0
    torch.testing.assert_close(fields["keypoints"][[0, 2]], batch["keypoints"])
    assert fields["cls"].tolist() == [[0.0]] * 4


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"keep": 1.1}, "keep: expected a number from 0 to 1, got 1.1; correct it"),
        ({"full": 0}, "full: expected a number above 0, up to 1, got 0"),
        ({"floor": 0.01}, "floor: expected a number from 0.05 to 1, got 0.01"),
        ({"keep_in": {"masks": 2}}, "keep in masks: expected a number from 0 to 1, got 2; correct it"),
        ({"helper": -1}, "helper: expected a number of at least 0, got -1"),
        ({"helper": np.inf}, "helper: expected a number of at least 0, got inf"),
    ],
)
def test_settings_out_of_their_range(settings: dict[str, float], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Teaching(**settings)


def test_each_label_keeps_its_own_share() -> None:
    batch = face_batch([(0, 0.2, 0.5, 0.2, 0.2), (0, 0.8, 0.5, 0.2, 0.2)]) | {"img": torch.zeros(1, 3, 100, 100)}
    nothing = [torch.zeros(0, 6)]
    keep = torch.tensor([0.9, 0.1])
    torch.testing.assert_close(taught(batch, nothing, TEACHING, keep)["face_weights"], keep)


def helper_and_outputs() -> tuple[HelperHead, list[Tensor]]:
    torch.manual_seed(0)
    helper = HelperHead([4, 4], STRIDES)
    return helper, [torch.randn(1, 15, SIDE // stride, SIDE // stride) for stride in STRIDES]


def cells_of(outputs: list[Tensor], score: float) -> Tensor:
    """What a teacher says whose boxes and landmarks are those of the helper, (1, 20, N)."""
    rows = []
    for output, stride in zip(outputs, STRIDES, strict=True):
        for y in range(SIDE // stride):
            for x in range(SIDE // stride):
                values = output[0, :, y, x].tolist()
                middle = np.array([x + 0.5, y + 0.5]) * stride
                left, top, right, bottom = (stride * np.log1p(np.exp(value)) for value in values[1:5])
                centre = middle + [(right - left) / 2, (bottom - top) / 2]
                points = np.array(values[5:]).reshape(5, 2) * 2 * stride + middle
                rows.append([*centre, left + right, top + bottom, score, *np.c_[points, np.ones(5)].ravel()])
    return torch.tensor(np.array(rows).T[None], dtype=torch.float32)


def test_the_helper_loses_nothing_where_it_says_what_the_teacher_says() -> None:
    helper, outputs = helper_and_outputs()
    for output in outputs:
        output[:, 0] = 0.0  # a score of a half
    score, box, points = helper.loss(outputs, cells_of(outputs, 0.5)).tolist()
    # Cross-entropy of a half with a half is ln 2, summed over N cells and divided by their scores, N / 2.
    assert score == pytest.approx(2 * np.log(2), rel=1e-5)
    assert (box, points) == pytest.approx((0, 0), abs=1e-5)


def test_landmarks_count_in_shares_of_the_face() -> None:
    helper, outputs = helper_and_outputs()
    cells = cells_of(outputs, 0.9)
    cells[:, 5::3] += 0.3 * (cells[:, 2] * cells[:, 3]).clamp(min=16).sqrt()[:, None]
    _, _, points = helper.loss(outputs, cells)
    assert float(points) == pytest.approx((0.3 - BETA / 2) / 2, rel=1e-4)  # of x and y the mean


def test_cells_in_which_the_teacher_sees_nothing_teach_only_their_score() -> None:
    helper, outputs = helper_and_outputs()
    outputs = [output.requires_grad_() for output in outputs]
    terms = helper.loss(outputs, cells_of([output.detach() for output in outputs], 0.05))
    assert terms[1:].tolist() == [0, 0]
    terms.sum().backward()
    assert all(output.grad[:, 1:].abs().sum() == 0 < output.grad[:, 0].abs().sum() for output in outputs)


def test_inside_a_believed_face_the_teacher_has_no_say() -> None:
    helper, outputs = helper_and_outputs()
    cells = cells_of(outputs, 0.9).expand(2, -1, -1)
    outputs = [output.repeat(2, 1, 1, 1).requires_grad_() for output in outputs]
    # In the second of two images: the middles of the first column of cells of 8 px, and none of those of 16 px.
    left_out = torch.tensor([[1.0, 0, 0, 7, SIDE]])
    helper.loss(outputs, cells, left_out)[0].backward()
    learned = [output.grad[:, 0] != 0 for output in outputs]
    assert learned[0][1].tolist() == [[False, True, True, True]] * 4
    assert learned[0][0].all()
    assert learned[1].all()


def test_the_helper_gives_what_its_loss_compares() -> None:
    helper, outputs = helper_and_outputs()
    given = helper([torch.zeros(1, 4, SIDE // stride, SIDE // stride) for stride in STRIDES])
    assert [level.shape for level in given] == [output.shape for output in outputs]


def write_teacher(file: Path, model: str = "yolov8n-pose.yaml", nc: int = 1) -> Path:
    ultra_face.register()
    network = PoseModel(model, nc=nc, data_kpt_shape=(5, 3), verbose=False)
    torch.save({"model": network, "train_args": {"task": "pose"}}, file)
    return file


NO_TEACHER = "expected a checkpoint of faces with five landmarks, one class"


@pytest.mark.parametrize(
    ("model", "nc"), [("yolov5n-face.yaml", 1), ("yolov8n-pose.yaml", 2), ("yolov8n.yaml", 1)], ids=str
)
def test_a_model_of_another_kind_is_no_teacher(tmp_path: Path, model: str, nc: int) -> None:
    file = tmp_path / "other.pt"
    if model == "yolov8n.yaml":
        YOLO(model).save(file)
    else:
        write_teacher(file, model, nc)
    with pytest.raises(ValueError, match=f"other.pt: {NO_TEACHER}"):
        Teacher(file, torch.device("cpu"))


def test_nor_is_a_model_without_weights() -> None:
    ultra_face.register()
    with pytest.raises(ValueError, match=f"yolov5n-face-free.yaml: {NO_TEACHER}"):
        Teacher("yolov5n-face-free.yaml", torch.device("cpu"))


def test_a_detector_sees_the_faces_that_labels_forget(shared_data: Path) -> None:
    teacher = Teacher(shared_data.parent / "peers" / "yolov8n-face.pt", torch.device("cpu"))
    image = cv2.resize(cv2.imread(str(ASSETS / "zidane.jpg")), (640, 384))
    pixels = torch.from_numpy(np.ascontiguousarray(image[:, :, ::-1].transpose(2, 0, 1))).float()[None] / 255
    said = teacher(pixels)
    assert said.cells.shape == (1, 20, sum(640 * 384 // stride**2 for stride in (8, 16, 32)))
    fields = taught(face_batch([]) | {"img": pixels}, said.faces, TEACHING)
    assert fields["face_weights"].tolist() == pytest.approx([0.6, 0.6], abs=0.05)  # sure of both
    again = taught(face_batch([(0, *fields["bboxes"][0].tolist())]) | {"img": pixels}, said.faces, TEACHING)
    assert again["face_weights"].tolist() == pytest.approx([1.0, 0.6], abs=0.05)


@pytest.mark.parametrize(
    ("model", "helper"),
    [("yolov5n-face.yaml", 1.0), ("yolov5n-face-free.yaml", 0.5), ("yolov5n-face.yaml", 0.0), ("yolov5n-sr.yaml", 1.0)],
)
def test_a_training_ends_in_a_checkpoint_without_helper(
    model: str, helper: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    teacher = write_teacher(tmp_path / "teacher.pt")
    data = write_tiny_faces(tmp_path / "faces")
    words = ["--teacher", str(teacher), "--helper", str(helper), f"model={model}", f"data={data}", "epochs=1"]
    words += [f"imgsz={IMAGE_SIZE}", "batch=2", "workers=0", "device=cpu", "optimizer=AdamW", "plots=False"]
    words += [f"project={tmp_path}", "name=run"]
    monkeypatch.setattr(sys, "argv", ["taught", *words])
    main()
    (row,) = csv.DictReader((tmp_path / "run" / "results.csv").read_text().splitlines())
    shown = {name.removeprefix("train/") for name in row if name.startswith("train/")}
    assert set(GAINS) & shown == (set(GAINS) if helper else set())
    assert all(np.isfinite(float(value)) for value in row.values())
    trained = YOLO(tmp_path / "run" / "weights" / "last.pt").model
    plain = PoseModel(model, nc=1, data_kpt_shape=(5, 3), verbose=False)
    assert trained.state_dict().keys() == plain.state_dict().keys()


@pytest.mark.parametrize("optimizer", ["AdamW", "MuSGD"])
def test_labels_weigh_what_the_teacher_says_and_the_helper_learns_it(
    optimizer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The teacher knows nothing yet, so all labels weigh `keep`; the bias of the helper's score has to fall."""
    teacher, data = write_teacher(tmp_path / "teacher.pt"), write_tiny_faces(tmp_path / "faces")
    overrides = {"model": "yolov5n-face.yaml", "data": str(data), "epochs": 1, "imgsz": IMAGE_SIZE, "batch": 2}
    overrides |= {"workers": 0, "device": "cpu", "optimizer": optimizer, "lr0": 0.01, "warmup_epochs": 0}
    overrides |= {"plots": False, "val": False, "project": str(tmp_path)}
    trainer = TaughtTrainer(overrides=overrides, teacher=str(teacher), teaching=TEACHING)
    trainer._setup_train()
    criterion, seen = trainer.model.criterion, []
    own = criterion.own
    monkeypatch.setattr(criterion, "own", lambda preds, batch: seen.append(batch["face_weights"]) or own(preds, batch))
    batch = trainer.preprocess_batch(next(iter(trainer.train_loader)))
    bias = trainer.helper.levels[0][1].bias
    before = bias.detach().clone()
    trainer.model.train()
    loss, _ = trainer.model(batch)
    loss.sum().backward()
    trainer.optimizer_step()
    torch.testing.assert_close(seen[0], torch.full((len(batch["cls"]),), TEACHING.keep))
    assert bias.detach()[0] < before[0]
    (group,) = (group for group in trainer.optimizer.param_groups if any(p is bias for p in group["params"]))
    assert (group["lr"], group["weight_decay"]) == (0.01, trainer.args.weight_decay)


def test_faces_of_a_mosaic_keep_what_their_data_set_keeps(tmp_path: Path) -> None:
    """Two data sets in one training list; the labels of one are believed whatever the teacher says."""
    for name, colour in (("masks", 40), ("faces", 200)):
        images = write_tiny_faces(tmp_path / name).parent / "images"
        for image in images.iterdir():
            cv2.imwrite(str(image), np.full((IMAGE_SIZE, IMAGE_SIZE, 3), colour, np.uint8))
    described = yaml.safe_load((tmp_path / "faces" / "tiny-faces.yaml").read_text())
    folders = [f"{name}/images" for name in ("masks", "faces")]
    data = tmp_path / "both.yaml"
    data.write_text(yaml.safe_dump(described | {"path": str(tmp_path), "train": folders, "val": folders}))
    teacher = write_teacher(tmp_path / "teacher.pt")
    overrides = {"model": "yolov5n-face.yaml", "data": str(data), "epochs": 1, "imgsz": IMAGE_SIZE, "batch": 4}
    overrides |= {"workers": 0, "device": "cpu", "plots": False, "val": False, "project": str(tmp_path), "mosaic": 1.0}
    overrides |= {"optimizer": "AdamW", "hsv_v": 0.0, "hsv_s": 0.0, "hsv_h": 0.0}
    teaching = Teaching(keep=0.4, keep_in={"masks": 1.0})
    trainer = TaughtTrainer(overrides=overrides, teacher=str(teacher), teaching=teaching)
    trainer._setup_train()
    found = []
    for raw in trainer.train_loader:
        batch = trainer.preprocess_batch(raw)
        assert (batch["cls"] == 0).all()
        middle = (batch["bboxes"][:, :2] * IMAGE_SIZE).long().clamp(max=IMAGE_SIZE - 1)
        colour = batch["img"][batch["batch_idx"].long(), 0, middle[:, 1], middle[:, 0]] * 255
        torch.testing.assert_close(batch["face_weights"], torch.where(colour < 60, 1.0, 0.4))
        assert len(batch["left_out"]) == (colour < 60).sum()
        found += batch["face_weights"].tolist()
    assert len(set(found)) == 2


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ["--keep-in", "nowhere=1", "model=yolov5n-face.yaml", "data=DATA"],
            "keep in nowhere: expected names of data s",
        ),
        (
            ["--keep-in", "faces", "model=yolov5n-face.yaml", "data=DATA"],
            "expected NAME=SHARE with a number from 0 to 1",
        ),
        (["model=yolov5n-face.yaml", "data"], "data: expected key=value"),
        (["model=yolov5n-face.yaml", "data=DATA", "epoch=1"], "'epoch' is not a valid YOLO argument"),
        (["model=yolov5n-face.yaml", "data=DATA", "nbs=many"], "'nbs=many' is of invalid type"),
        (["model=END2END", "data=DATA"], "expected a model with one branch for a teacher, got one with end2end"),
        (["model=yolov5n-face.yaml"], "expected data=..., got none"),
        (["model=yolov8n-pose.yaml", "data=DATA"], "expected a face model with one class and FaceLoss"),
        (["model=yolov5n-aesvc-p2.yaml", "data=DATA"], r"expected a teacher with the model's strides \[4, 8, 16, 32\]"),
        (["--keep", "2", "model=yolov5n-face.yaml", "data=DATA"], "keep: expected a number from 0 to 1"),
    ],
    ids=[
        "no data set",
        "no share",
        "no pair",
        "no setting",
        "no value",
        "end2end",
        "no data",
        "a stock model",
        "other strides",
        "out of range",
    ],
)
def test_what_cannot_be_trained_is_told_in_one_sentence(
    words: list[str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    teacher, data = write_teacher(tmp_path / "teacher.pt"), write_tiny_faces(tmp_path / "faces")
    end2end = tmp_path / "yolov5n-end2end.yaml"
    end2end.write_text("end2end: true\n" + (MODELS / "yolov5-face-free.yaml").read_text())
    words = [word.replace("DATA", str(data)).replace("END2END", str(end2end)) for word in words]
    if len(words) > 1:
        words += [f"imgsz={IMAGE_SIZE}", "epochs=1", "batch=2", "workers=0", "device=cpu", f"project={tmp_path}"]
    monkeypatch.setattr(sys, "argv", ["taught", "--teacher", str(teacher), *words])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code not in (None, 0)
    assert re.search(told, f"{stopped.value.code}{capsys.readouterr().err}")


def test_alpha_rises_with_a_teacher_too() -> None:
    own = SimpleNamespace(anneal=(shares := []).append)
    TaughtLoss(own, None, 0.0).anneal(0.5)
    assert shares == [0.5]
