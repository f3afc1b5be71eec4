"""From a model and a folder of images to files that the evaluations read, by the commands a user runs."""

from __future__ import annotations

import json
import runpy
import sys
from dataclasses import replace
from pathlib import Path
from shutil import copytree

import cv2
import numpy as np
import pytest
import torch
from small_models import small_model
from ultralytics import YOLO

from ultra_face.evaluation.detect_folders import find_images, load_image, write_landmarks, write_result_files
from ultra_face.evaluation.detect_images import Run, Settings
from ultra_face.formats.files import staged
from ultra_face.formats.result_files import UNFINISHED, ResultFileError, read_predictions
from ultra_face.formats.retinaface import read_annotated_faces
from ultra_face.formats.widerface import ImageSetError

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


def test_images_with_a_suffix_in_capitals_are_found(tmp_path):
    (tmp_path / "e").mkdir()
    (tmp_path / "e" / "a.JPG").write_bytes(b"")
    assert find_images(tmp_path, ["e/a"]) == {"e/a": tmp_path / "e" / "a.JPG"}


def test_images_that_are_not_there(images, tmp_path):
    with pytest.raises(ImageSetError, match=r"images: lacks 1 of 2 images: 0--Parade/x; give the folder above"):
        find_images(images, [NAMES[0], "0--Parade/x"])
    with pytest.raises(
        FileNotFoundError, match="absent: expected the folder of the images, got no folder; check --images"
    ):
        find_images(tmp_path / "absent", NAMES)


def test_an_image_that_does_not_decode(images):
    path = images / "0--Parade" / "broken.jpg"
    path.write_bytes(b"no image")
    with pytest.raises(ImageSetError, match=r"broken\.jpg: does not decode as an image"):
        load_image(path)


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


def stop_after(count):
    """Progress that lets so many images pass, and then ends as Ctrl-C does."""

    def progress(names):
        for number, name in enumerate(names):
            if number == count:
                raise KeyboardInterrupt
            yield name

    return progress


def note(seen):
    """Progress that keeps the names."""
    return lambda names: (seen.append(name) or name for name in names)


def save_model(file, seed=0):
    file.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"model": small_model("AnchorPose", seed=seed).half(), "train_args": {"task": "pose"}}, file)
    return str(file)


@pytest.fixture
def run(images, tmp_path):
    """A run of a small trained model."""
    return Run(save_model(tmp_path / "best.pt"), images, tmp_path / "results", Settings(scales=(64,)))


def test_an_interrupted_run_gives_no_results_and_the_same_run_goes_on(run, tmp_path):
    whole = write_result_files(replace(run, output=tmp_path / "whole"), ground_truth=tmp_path / "gt.txt")
    with pytest.raises(KeyboardInterrupt):
        write_result_files(run, ground_truth=tmp_path / "gt.txt", progress=stop_after(1))
    with pytest.raises(ResultFileError, match=r"results: expected result files of a finished run, got 0--Parade\.part"):
        read_predictions(run.output)
    write_result_files(run, ground_truth=tmp_path / "gt.txt", progress=note(seen := []))
    assert seen == [NAMES[1]]
    assert sorted(path.name for path in run.output.iterdir()) == sorted(path.name for path in whole.iterdir())
    for name, rows in read_predictions(whole).items():
        np.testing.assert_array_equal(read_predictions(run.output)[name], rows)


def test_a_finished_run_has_nothing_left_to_do(run, tmp_path):
    write_result_files(run, ground_truth=tmp_path / "gt.txt")
    write_result_files(run, ground_truth=tmp_path / "gt.txt", progress=note(seen := []))
    assert seen == []


@pytest.mark.parametrize("finished", [False, True])
@pytest.mark.parametrize("other", ["settings", "model", "weights of a model of this name", "images", "list"])
def test_two_runs_never_share_a_folder(run, images, tmp_path, other, finished):
    """Their result files would pass for those of one detector."""
    (tmp_path / "list.txt").write_text(f"{NAMES[0]}\n")
    others = {
        "settings": replace(run, settings=Settings(scales=(64,), flip=True)),
        "model": replace(run, model=save_model(tmp_path / "other.pt")),
        "weights of a model of this name": replace(run, model=save_model(tmp_path / "other" / "best.pt", seed=1)),
        "images": replace(run, images=Path(copytree(images, tmp_path / "copy"))),
        "list": run,
    }
    if finished:
        write_result_files(run, ground_truth=tmp_path / "gt.txt")
    else:
        with pytest.raises(KeyboardInterrupt):
            write_result_files(run, ground_truth=tmp_path / "gt.txt", progress=stop_after(1))
    before = {path: path.read_bytes() for path in run.output.rglob("*.*") if path.is_file()}
    with pytest.raises(FileExistsError, match=r"results: expected a folder made from .*; choose another output folder"):
        write_result_files(
            others[other],
            ground_truth=tmp_path / "gt.txt",
            subset_list=tmp_path / "list.txt" if other == "list" else None,
        )
    assert {path: path.read_bytes() for path in run.output.rglob("*.*") if path.is_file()} == before


def test_files_of_others_are_refused(run, tmp_path):
    run.output.mkdir()
    (run.output / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="results: expected a new or empty folder, got one with files of another"):
        write_result_files(run, ground_truth=tmp_path / "gt.txt")
    assert [path.name for path in run.output.iterdir()] == ["notes.txt"]


def test_readers_know_the_folders_of_a_run_that_is_not_finished(tmp_path):
    assert staged(tmp_path / "0--Parade").name == f"0--Parade{UNFINISHED}"


def test_an_interrupted_run_leaves_the_landmarks_of_an_earlier_one(run, tmp_path):
    files = [f"{NAMES[0]}.jpg", f"{NAMES[1]}.png"]
    (tmp_path / "label.txt").write_text("".join(f"# {file}\n" for file in files))
    found = write_landmarks(replace(run, output=tmp_path / "found.txt"), annotations=tmp_path / "label.txt")
    before = found.read_bytes()
    other = replace(run, model=save_model(tmp_path / "other.pt", seed=1), output=found)
    with pytest.raises(KeyboardInterrupt):
        write_landmarks(other, annotations=tmp_path / "label.txt", progress=stop_after(1))
    assert found.read_bytes() == before
    write_landmarks(other, annotations=tmp_path / "label.txt")
    assert found.read_bytes() != before
    assert list(read_annotated_faces(found)) == files


def test_where_landmarks_cannot_be_written_shows_before_the_first_image(run, tmp_path):
    (tmp_path / "label.txt").write_text(f"# {NAMES[0]}.jpg\n")
    for output, error, message in (
        (tmp_path, OSError, "expected a file that can be written, got a folder or no permission; choose another one"),
        (tmp_path / "label.txt" / "found.txt", FileExistsError, r"label\.txt"),
    ):
        with pytest.raises(error, match=message):
            write_landmarks(replace(run, output=output), annotations=tmp_path / "label.txt", progress=note(seen := []))
        assert seen == []


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
    (faces,) = read_annotated_faces(found).values()
    assert len(faces.scores) > 0
    assert (faces.landmarks[..., 2] > 0).all()
    assert "of 1 faces with landmarks were found" in capsys.readouterr().out
