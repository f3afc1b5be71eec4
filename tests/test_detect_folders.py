"""From a model and a folder of images to files that the evaluations read, by the commands a user runs."""

from __future__ import annotations

import json
import runpy
import sys

import cv2
import numpy as np
import pytest
from ultralytics import YOLO

from ultra_face.detect_folders import find_images, read_image, write_landmarks, write_result_files
from ultra_face.detection_settings import Run, Settings
from ultra_face.eval.image_names import ImageSetError
from ultra_face.eval.landmark_files import read_landmark_file
from ultra_face.eval.result_files import read_predictions

NAMES = ("0--Parade/0_Parade_a", "1--Riot/1_Riot_b")


@pytest.fixture
def images(tmp_path):
    """Folder of two noisy images, one of them a PNG."""
    noise = np.random.default_rng(0)
    for name, suffix in zip(NAMES, (".jpg", ".png"), strict=True):
        path = tmp_path / "images" / f"{name}{suffix}"
        path.parent.mkdir(parents=True)
        cv2.imwrite(str(path), noise.integers(0, 256, (48, 80, 3), dtype=np.uint8))
    (tmp_path / "gt.txt").write_text("".join(f"{name}.jpg\n1\n16 16 32 32 0 0 0 0 0 0\n" for name in NAMES))
    return tmp_path / "images"


@pytest.fixture
def tool(monkeypatch, repository):
    """Run a script of `tools/` with the given arguments."""

    def run(script, *arguments):
        monkeypatch.setattr(sys, "argv", [script, *map(str, arguments)])
        runpy.run_path(str(repository / "tools" / script), run_name="__main__")

    return run


def test_images_are_found_with_and_without_suffix(images):
    found = find_images(images, [NAMES[0], f"{NAMES[1]}.png"])
    assert [path.suffix for path in found.values()] == [".jpg", ".png"]


def test_images_that_are_not_there(images, tmp_path):
    with pytest.raises(ImageSetError, match=r"images: lacks 1 of 2 images: 0--Parade/x"):
        find_images(images, [NAMES[0], "0--Parade/x"])
    with pytest.raises(FileNotFoundError, match="absent: expected the folder of the images"):
        find_images(tmp_path / "absent", NAMES)


def test_an_image_that_does_not_decode(images):
    path = images / "0--Parade" / "broken.jpg"
    path.write_bytes(b"no image")
    with pytest.raises(ImageSetError, match=r"broken\.jpg: does not decode as an image"):
        read_image(path)


def test_result_files_of_a_model(images, tmp_path):
    seen = []
    run = Run("yolov5n-face.yaml", images, tmp_path / "results", Settings(scales=(64,)))
    output = write_result_files(
        run,
        ground_truth=tmp_path / "gt.txt",
        progress=lambda names: (seen.append(name) or name for name in names),
    )
    predictions = read_predictions(output)
    assert tuple(predictions) == tuple(seen) == NAMES
    rows = np.concatenate(list(predictions.values()))
    assert len(rows) > 0
    assert (rows[:, :4] != rows[:, :4].round()).any()  # not rounded
    record = json.loads((output / "detector.json").read_text())
    assert (record["model"], record["scale"]) == ("yolov5n-face.yaml", "64 px")


def test_only_listed_images_are_run(images, tmp_path):
    (tmp_path / "list.txt").write_text(f"{NAMES[1]}.jpg\n")
    run = Run("yolov5n-face.yaml", images, tmp_path / "results", Settings(scales=(64,)))
    write_result_files(run, ground_truth=tmp_path / "gt.txt", subset_list=tmp_path / "list.txt")
    assert tuple(read_predictions(tmp_path / "results")) == NAMES[1:]


def test_a_model_without_five_landmarks(images, tmp_path):
    (tmp_path / "label.txt").write_text(f"# {NAMES[0]}.jpg\n")
    run = Run("yolov8n.yaml", images, tmp_path / "out.txt", Settings(scales=(64,)))
    with pytest.raises(ValueError, match=r"yolov8n\.yaml: expected a model with 5 landmarks, got 0"):
        write_landmarks(run, annotations=tmp_path / "label.txt")


def test_widerface_tool_runs_a_model(images, tmp_path, tool, capsys):
    tool(
        "eval_widerface.py",
        *("--model", "yolov5n-face.yaml", "--images", images, "--output", tmp_path / "results"),
        *("--ground-truth", tmp_path / "gt.txt", "--scale", "64,96", "--flip", "--conf", 0.005, "--json", "-"),
    )
    out = capsys.readouterr().out
    record = json.loads(out)
    assert record["num_images"] == 2
    assert record["protocol"]["detector"]["scale"] == "64 px, 96 px"
    assert record["protocol"]["detector"]["flip"] is True
    assert record["protocol"]["detector"]["confidence"] == 0.005


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the exporter inside torch
def test_widerface_tool_runs_an_export(images, tmp_path, tool, capsys, monkeypatch):
    pytest.importorskip("onnxruntime")
    monkeypatch.chdir(tmp_path)  # the host writes the export here
    exported = YOLO("yolov5n-face.yaml").export(format="onnx", imgsz=64, simplify=False)
    tool(
        "eval_widerface.py",
        *("--model", exported, "--images", images, "--output", tmp_path / "results"),
        *("--ground-truth", tmp_path / "gt.txt", "--scale", "64"),
    )
    assert "WIDER FACE: all 2 images" in capsys.readouterr().out


def test_landmark_tool_runs_a_model(images, tmp_path, tool, capsys):
    (tmp_path / "label.txt").write_text(f"# {NAMES[0]}.jpg\n0 0 20 20 5 5 0 15 5 0 10 10 0 6 15 0 14 15 0\n")
    found = tmp_path / "new" / "found.txt"
    tool(
        "eval_landmarks.py",
        *("--model", "yolov5n-face.yaml", "--images", images, "--output", found),
        *("--annotations", tmp_path / "label.txt", "--scale", "original"),
    )
    (faces,) = read_landmark_file(found).values()
    assert len(faces.scores) > 0
    assert faces.visible.all()
    assert "of 1 faces with landmarks were found" in capsys.readouterr().out
