"""WIDER FACE AP and landmark errors in stock validation: there when the data allow it, and stock figures unmoved."""

from __future__ import annotations

import csv
import json

import cv2
import numpy as np
import pytest
import yaml
from ultralytics import YOLO

from ultra_face.callbacks.landmarks import has_face_landmarks
from ultra_face.eval.ground_truth import GroundTruthError

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
