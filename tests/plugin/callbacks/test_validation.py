"""WIDER FACE AP and landmark errors in stock validation: there when the data allow it, and stock figures unmoved."""

from __future__ import annotations

import csv
import json

import cv2
import numpy as np
import pytest
import torch
import yaml
from ultralytics import YOLO

from ultra_face.evaluation.ground_truth import GroundTruthError
from ultra_face.plugin.callbacks.landmarks import LandmarkObserver, has_face_landmarks

SIZE = 64
NAMES = ("0--Parade/0_Parade_a", "0--Parade/0_Parade_b", "1--Riot/1_Riot_c")
LABEL = "0 0.5 0.5 0.5 0.5 0.4 0.4 2 0.6 0.4 2 0.5 0.5 2 0.4 0.6 2 0.6 0.6 2\n"
ANNOTATIONS = "".join(f"{name}.png\n1\n16 16 32 32 0 0 0 0 0 0\n" for name in NAMES)


@pytest.fixture
def data(tmp_path):
    """Write a data YAML over three images of noise, with further keys; return its path."""

    def write(**keys):
        noise = np.random.default_rng(0)
        for name in NAMES:
            for kind in ("images", "labels"):
                (tmp_path / kind / name).parent.mkdir(parents=True, exist_ok=True)
            image = noise.integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
            cv2.imwrite(str(tmp_path / "images" / f"{name}.png"), image)
            (tmp_path / "labels" / f"{name}.txt").write_text(LABEL)
        (tmp_path / "gt.txt").write_text(ANNOTATIONS)
        content = {
            "path": str(tmp_path),
            "train": "images",
            "val": "images",
            "names": {0: "face"},
            "kpt_shape": [5, 3],
            "flip_idx": [1, 0, 2, 4, 3],
            **keys,
        }
        path = tmp_path / "data.yaml"
        path.write_text(yaml.safe_dump(content))
        return path

    return write


@pytest.fixture
def model():
    return YOLO("yolov5n-face.yaml")


def validate(model, path, tmp_path, **settings):
    return model.val(
        **{"data": path, "imgsz": SIZE, "batch": 2, "plots": False, "project": tmp_path, "name": "val", **settings}
    )


def test_widerface_line_record_and_file(model, data, tmp_path, caplog):
    metrics = validate(model, data(widerface_ground_truth="gt.txt"), tmp_path, max_det=1)
    record = json.loads((tmp_path / "val" / "widerface.json").read_text())
    assert record == json.loads(json.dumps(metrics.widerface))
    assert record["num_faces"] == {"all": 3}
    assert record["num_detections"] > 3  # more than one an image
    assert record["protocol"]["images"] == "all 3 images"
    assert record["protocol"]["detector"]["limit on detections"] == "none"
    assert "WIDER FACE AP, %: All" in caplog.text


def test_stock_figures_do_not_move(model, data, tmp_path):
    with_key = validate(model, data(widerface_ground_truth="gt.txt"), tmp_path, max_det=2).results_dict
    without = YOLO("yolov5n-face.yaml")
    without.model.load_state_dict(model.model.state_dict())
    stock = validate(without, data(kpt_shape=[5, 3], flip_idx=[0, 1, 2, 3, 4]), tmp_path, max_det=2).results_dict
    assert with_key == stock


def test_without_the_key_nothing_is_saved(model, data, tmp_path):
    metrics = validate(model, data(), tmp_path)
    assert not hasattr(metrics, "widerface")
    assert not (tmp_path / "val" / "widerface.json").exists()


def test_images_that_are_not_in_the_ground_truth_are_told(model, data, tmp_path, caplog):
    path = data(widerface_ground_truth="gt.txt")
    (tmp_path / "gt.txt").write_text(f"{NAMES[0]}.png\n1\n16 16 32 32 0 0 0 0 0 0\n9--No/x.png\n0\n" + "0 " * 10)
    record = validate(model, path, tmp_path).widerface
    assert record["protocol"]["images"] == "only the 1 of 2 images validated"
    assert "2 images exist in no event of widerface_ground_truth and take no part" in caplog.text


@pytest.mark.parametrize(
    ("named", "error", "message"),
    [
        ("absent", FileNotFoundError, "data YAML, widerface_ground_truth: .*absent: expected the folder"),
        ("data.yaml", GroundTruthError, "data YAML, widerface_ground_truth: .*data.yaml:1: expected the path of"),
        ("images", FileNotFoundError, "images: lacks wider_face_val.mat"),
    ],
)
def test_broken_ground_truth(model, data, tmp_path, named, error, message):
    path = data(widerface_ground_truth=named, names={0: "face"})
    if named == "data.yaml":
        path.write_text(f"# 0--a/b\n{path.read_text()}")
    with pytest.raises(error, match=message):
        validate(model, path, tmp_path)


def test_landmark_line_and_record(model, data, tmp_path, caplog):
    metrics = validate(model, data(), tmp_path)
    assert metrics.landmarks["num_annotated"] == 3
    assert "Landmarks: NME" in caplog.text


def test_other_keypoints_are_no_faces(model, data, tmp_path, caplog):
    metrics = validate(model, data(flip_idx=[0, 1, 2, 3, 4]), tmp_path)
    assert not hasattr(metrics, "landmarks")
    assert "Landmarks: NME" not in caplog.text


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"kpt_shape": [5, 3], "flip_idx": [1, 0, 2, 4, 3]}, True),
        ({"kpt_shape": (5, 2), "flip_idx": (1, 0, 2, 4, 3)}, True),
        ({"kpt_shape": [17, 3], "flip_idx": [1, 0, 2, 4, 3]}, False),
        ({"kpt_shape": [5, 3]}, False),
        ({}, False),
    ],
)
def test_face_landmarks_are_known_by_shape_and_flip(keys, expected):
    assert has_face_landmarks(keys) is expected


@pytest.fixture
def stock(tmp_path):
    """A model of Ultralytics' own for five landmarks."""
    file = tmp_path / "yolov8n-five-pose.yaml"
    file.write_text(yaml.safe_dump(YOLO("yolov8n-pose.yaml").model.yaml | {"nc": 1, "kpt_shape": [5, 3]}))
    return YOLO(file)


def test_stock_models_have_no_landmark_errors_unless_the_data_ask(stock, data, tmp_path, caplog):
    assert not hasattr(validate(stock, data(), tmp_path), "landmarks")
    assert "Landmarks: NME" not in caplog.text
    assert validate(stock, data(landmark_errors=True), tmp_path).landmarks["num_annotated"] == 3
    assert "Landmarks: NME" in caplog.text


def test_face_models_have_them_unless_the_data_ask_not_to(model, data, tmp_path):
    assert hasattr(validate(model, data(), tmp_path), "landmarks")
    assert not hasattr(validate(model, data(landmark_errors=False), tmp_path), "landmarks")


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"landmark_errors": "csv"}, r"data YAML, landmark_errors: expected true or false, got 'csv'"),
        (
            {"landmark_errors": True, "flip_idx": [0, 1, 2, 3, 4]},
            r"landmark_errors: expected kpt_shape \[5, 3\] or \[5, 2\] and flip_idx \[1, 0, 2, 4, 3\], got \[5, 3\] "
            r"and \[0, 1, 2, 3, 4\]; correct them, or leave out landmark_errors",
        ),
    ],
)
@pytest.mark.parametrize("method", ["val", "train"])
def test_a_request_that_cannot_be_met_stops_the_run(stock, data, tmp_path, keys, message, method):
    settings = {"epochs": 1, "amp": False} if method == "train" else {}
    with pytest.raises(ValueError, match=message):
        getattr(stock, method)(data=data(**keys), imgsz=SIZE, plots=False, project=tmp_path, device="cpu", **settings)


def test_an_observer_that_fails_costs_its_figures_alone(model, data, tmp_path, caplog, monkeypatch):
    def fail(self, prediction, index, batch):
        raise IndexError("no such face")

    expected = validate(model, data(landmark_errors=False), tmp_path).results_dict
    monkeypatch.setattr(LandmarkObserver, "see", fail)
    metrics = validate(model, data(), tmp_path)
    assert metrics.results_dict == expected
    assert caplog.text.count("ultra-face: LandmarkObserver failed and is left out, the run goes on. IndexError") == 1


def test_a_callback_that_fails_does_not_end_the_training(model, data, tmp_path, caplog, monkeypatch):
    def fail(self, progress):
        raise ArithmeticError("no such alpha")

    monkeypatch.setattr("ultra_face.losses.face_loss.AnchorFaceLoss.anneal", fail)
    monkeypatch.setattr(
        "ultra_face.plugin.callbacks.adaptive_anchors.face_sizes", lambda labels, **settings: labels.no_such
    )
    train(model, data(), tmp_path, epochs=2)
    assert caplog.text.count("ultra-face: training.anneal_alpha failed and is left out, the run goes on.") == 1
    assert caplog.text.count("ultra-face: adaptive_anchors.fit_before_training failed and is left out") == 1
    assert len(rows_of(tmp_path)) == 2


def train(model, path, tmp_path, **settings):
    model.train(
        **{"data": path, "imgsz": SIZE, "batch": 2, "workers": 0, "plots": False, "project": tmp_path, "name": "run"},
        **{"device": "cpu", "amp": False, "epochs": 1, **settings},
    )


def rows_of(tmp_path):
    """Rows of `results.csv` by column."""
    with (tmp_path / "run" / "results.csv").open() as stream:
        return [{name.strip(): float(value) for name, value in row.items()} for row in csv.DictReader(stream)]


LANDMARKS = {"metrics/NME-box(L)", "metrics/NME-eyes(L)"}


def test_no_figure_of_ours_is_ever_nan(model, data, tmp_path, caplog):
    """Labels without landmarks, and ground truth without a face that counts: there is nothing to measure."""
    path = data(widerface_ground_truth="gt.txt")
    for label in (tmp_path / "labels").rglob("*.txt"):
        label.write_text("0 0.5 0.5 0.5 0.5" + " 0" * 15 + "\n")
    # The last but third number marks an invalid face.
    (tmp_path / "gt.txt").write_text("".join(f"{name}.png\n1\n16 16 32 32 0 0 0 1 0 0\n" for name in NAMES))
    train(model, path, tmp_path, epochs=2)
    worst = {"metrics/AP-all(W)": 0.0, **dict.fromkeys(LANDMARKS, 1.0)}
    for row in rows_of(tmp_path):
        assert worst.items() <= row.items()
        assert all(np.isfinite(list(row.values())))
    # From these Ultralytics writes tune_results.ndjson and multitrain_results.json.
    saved = torch.load(tmp_path / "run" / "weights" / "best.pt", weights_only=False)["train_metrics"]
    assert worst.items() <= saved.items()
    for name, value in worst.items():
        assert caplog.text.count(f"{name}: no figure, since no face was there to measure; {value:g} stands for it") == 1


def test_before_the_first_validation_the_columns_hold_the_worst(model, data, tmp_path):
    train(model, data(widerface_ground_truth="gt.txt"), tmp_path, epochs=3, val=False)
    worst = {"metrics/AP-all(W)": 0.0, **dict.fromkeys(LANDMARKS, 1.0)}
    assert worst.items() <= rows_of(tmp_path)[0].items()


@pytest.mark.parametrize("asked", [None, True])
def test_columns_of_a_stock_model(stock, data, tmp_path, asked):
    train(stock, data(landmark_errors=asked), tmp_path)
    (row,) = rows_of(tmp_path)
    assert LANDMARKS & set(row) == (LANDMARKS if asked else set())


def test_training_saves_the_figures_in_every_row(model, data, tmp_path):
    model.train(
        data=data(widerface_ground_truth="gt.txt"),
        **{"imgsz": SIZE, "epochs": 3, "batch": 2, "workers": 0, "plots": False, "project": tmp_path, "name": "run"},
        **{"val": False, "device": "cpu", "amp": False},
    )
    with (tmp_path / "run" / "results.csv").open() as stream:
        rows = list(csv.reader(stream))
    header = [name.strip() for name in rows[0]]
    assert {"metrics/AP-all(W)", "metrics/NME-box(L)", "metrics/NME-eyes(L)"} <= set(header)
    assert {len(row) for row in rows} == {len(header)}
    assert (tmp_path / "run" / "widerface.json").is_file()


def test_a_wrong_path_stops_training_before_it_starts(model, data, tmp_path):
    with pytest.raises(FileNotFoundError, match="data YAML, widerface_ground_truth"):
        model.train(
            data=data(widerface_ground_truth="absent"),
            **{"imgsz": SIZE, "epochs": 1, "batch": 2, "workers": 0, "plots": False, "project": tmp_path},
            device="cpu",
        )
    assert not list(tmp_path.rglob("results.csv"))
