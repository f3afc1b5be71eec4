"""The commands as a user runs them, on a small folder and on the shared result set."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from mat_folder import FACES, write_mat_folder

from ultra_face.evaluation.report import report_folders
from ultra_face.formats.result_files import ResultFileError, write_predictions
from ultra_face.formats.widerface import ImageSetError


@pytest.fixture
def folders(tmp_path):
    """Ground truth of three images and a perfect detector's result files."""
    truth = write_mat_folder(tmp_path / "truth")
    predictions = {
        f"{event}/{name}": np.array([[*box, 0.9] for box in boxes], float)
        for event, images in FACES.items()
        for name, boxes in images.items()
    }
    write_predictions(tmp_path / "perfect", predictions)
    return tmp_path / "perfect", truth


@pytest.fixture
def tool(monkeypatch, repository):
    """Run `tools/eval_widerface.py` with the given arguments."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["eval_widerface.py", *map(str, arguments)])
        runpy.run_path(str(repository / "tools" / "eval_widerface.py"), run_name="__main__")

    return run


def test_table_of_a_perfect_detector(folders, capsys):
    predictions, truth = folders
    report_folders(predictions, truth, confidence=0.5)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "WIDER FACE: all 3 images, 4 detections"
    assert lines[1].split() == ["Easy", "Medium", "Hard"]
    assert lines[2].split() == ["AP,", "%", "100.00", "100.00", "100.00"]
    assert lines[3].split() == ["faces", "1", "2", "4"]
    assert "protocol: IoU 0.5 in inclusive (+1) pixels, 1,000 score thresholds" in lines[-1]
    assert "detections: not recorded with the result files" in lines[-1]


def test_json_alone_on_standard_output(folders, tool, capsys):
    predictions, truth = folders
    tool("--predictions", predictions, "--ground-truth", truth, "--json", "-", "--confidence", 0.95)
    record = json.loads(capsys.readouterr().out)
    assert (record["easy"], record["medium"], record["hard"]) == (100, 100, 100)
    assert record["num_faces"] == {"easy": 1, "medium": 2, "hard": 4}
    assert record["by_event"]["easy"] == {"0--Parade": 100, "1--Handshaking": None}
    assert record["by_size"]["hard"]["0-16"] == 100
    assert record["by_size"]["hard"]["256+"] is None
    assert record["best_f1"]["hard"] == {"confidence": 0.9, "precision": 1, "recall": 1, "f1": 1}
    assert record["at_confidence"]["hard"] == {"confidence": 0.95, "precision": None, "recall": 0, "f1": 0}
    assert record["protocol"]["images"] == "all 3 images"


def test_json_and_picture_files_beside_the_table(folders, tool, tmp_path, capsys):
    predictions, truth = folders
    tool(
        *("--predictions", predictions, "--ground-truth", truth, "--compare", truth.parent / "perfect" / "."),
        *("--json", tmp_path / "out.json", "--plot", tmp_path / "pr.png"),
    )
    assert capsys.readouterr().out.startswith("WIDER FACE: all 3 images")
    assert json.loads((tmp_path / "out.json").read_text())["hard"] == 100
    assert (tmp_path / "pr.png").read_bytes().startswith(b"\x89PNG")


def test_comparison_names_folders(folders, tmp_path):
    predictions, truth = folders
    blind = {name: np.zeros((0, 5)) for name in ("0--Parade/0_Parade_a", "0--Parade/0_Parade_b")}
    write_predictions(tmp_path / "blind", {**blind, "1--Handshaking/1_Handshaking_c": np.zeros((0, 5))})
    record = report_folders(predictions, truth, compare=[tmp_path / "blind"])
    assert record["compared"]["perfect"]["hard"] == 100
    assert record["compared"]["blind"]["hard"] == 0


def test_folders_of_one_name_are_told_apart_by_their_paths(folders, tmp_path):
    predictions, truth = folders
    twin = tmp_path / "twin" / "perfect"
    write_predictions(twin, {"0--Parade/0_Parade_a": np.zeros((0, 5))})
    record = report_folders(predictions, truth, compare=[twin], allow_missing=True)
    assert list(record["compared"]) == [str(predictions), str(twin)]


def test_the_detector_is_told_where_it_is_recorded(folders, capsys):
    predictions, truth = folders
    (predictions / "detector.json").write_text('{"image scale": "vga", "flip": true}')
    record = report_folders(predictions, truth)
    assert record["protocol"]["detector"] == {"image scale": "vga", "flip": True}
    assert "detections: image scale vga, flip True" in capsys.readouterr().out


def test_subset_list_restricts_ground_truth_and_says_so(folders, tmp_path):
    predictions, truth = folders
    chosen = tmp_path / "list.txt"
    chosen.write_text("0--Parade/0_Parade_a.jpg\n")
    record = report_folders(predictions, truth, subset_list=chosen)
    assert record["num_faces"] == {"easy": 1, "medium": 1, "hard": 2}
    assert record["num_detections"] == 2
    assert record["protocol"]["images"] == f"only the 1 of 3 images in {chosen}"


def test_subset_list_needs_only_its_own_result_files(folders, tmp_path):
    predictions, truth = folders
    (predictions / "1--Handshaking" / "1_Handshaking_c.txt").unlink()
    chosen = tmp_path / "list.txt"
    chosen.write_text("0--Parade/0_Parade_a.jpg\n")
    assert report_folders(predictions, truth, subset_list=chosen)["hard"] == 100
    chosen.write_text("1--Handshaking/1_Handshaking_c.jpg\n")
    with pytest.raises(ImageSetError, match="no predictions for 1 of 1 images: 1--Handshaking/1_Handshaking_c"):
        report_folders(predictions, truth, subset_list=chosen)


def test_missing_result_file(folders):
    predictions, truth = folders
    (predictions / "0--Parade" / "0_Parade_b.txt").unlink()
    with pytest.raises(ImageSetError, match="no predictions for 1 of 3 images: 0--Parade/0_Parade_b"):
        report_folders(predictions, truth)
    # 3 of 4 faces found, none wrong
    assert report_folders(predictions, truth, allow_missing=True)["hard"] == 75


@pytest.mark.parametrize("name", ["0--Parade/0_Parade_x.txt", "stray.txt"])
def test_extra_result_file(folders, name):
    predictions, truth = folders
    (predictions / name).write_text("x\n0\n")
    with pytest.raises(ImageSetError, match=f"1 images that exist in no event .*: {name.removesuffix('.txt')}"):
        report_folders(predictions, truth)
    assert report_folders(predictions, truth, allow_extra=True)["hard"] == 100


def test_broken_result_file(folders):
    predictions, truth = folders
    (predictions / "0--Parade" / "0_Parade_b.txt").write_text("0_Parade_b\n3\n1 2 3 4 0.5\n")
    with pytest.raises(ResultFileError, match=r"0_Parade_b\.txt:2: the count says 3 detections, but 1 rows follow"):
        report_folders(predictions, truth)


@pytest.mark.parametrize("text", ["no JSON", "[1]", ""])
def test_a_record_of_the_detector_that_is_none(folders, text):
    predictions, truth = folders
    (predictions / "detector.json").write_text(text)
    with pytest.raises(
        ResultFileError, match=r"detector\.json: expected a JSON object that says how .*; correct or rem"
    ):
        report_folders(predictions, truth)


def test_folders_of_the_outcome_are_made(folders, tmp_path):
    report_folders(*folders, json_file=str(tmp_path / "new" / "out.json"), plot=tmp_path / "other" / "pr.svg")
    assert json.loads((tmp_path / "new" / "out.json").read_text())["hard"] == 100
    assert (tmp_path / "other" / "pr.svg").is_file()


@pytest.mark.parametrize(
    ("outcome", "error", "message"),
    [
        (
            {"plot": Path("a.odd")},
            ValueError,
            r"^a\.odd: expected a picture of a known format, got '\.odd'; known are .*png",
        ),
        ({"plot": Path("detector.json", "a.png")}, OSError, r"detector\.json"),
        ({"json_file": "detector.json/a.json"}, OSError, r"detector\.json"),
    ],
)
def test_the_table_is_told_whatever_cannot_be_written(folders, monkeypatch, capsys, outcome, error, message):
    monkeypatch.chdir(folders[0])
    Path("detector.json").write_text("{}")
    with pytest.raises(error, match=message):
        report_folders(*folders, **outcome)
    assert capsys.readouterr().out.startswith("WIDER FACE: all 3 images")


@pytest.mark.data
def test_shared_result_set(shared_data):
    record = report_folders(
        shared_data / "wider-val-predictions" / "yolov7-tiny-leak", shared_data / "wider-val-groundtruth"
    )
    # the figures that an exact evaluator gives (see data/README.md there); published: 93.2 / 91.3 / 83.0
    assert record["easy"] == pytest.approx(93.25, abs=0.02)
    assert record["medium"] == pytest.approx(91.28, abs=0.02)
    assert record["hard"] == pytest.approx(82.97, abs=0.02)
    assert record["num_faces"] == {"easy": 7211, "medium": 13319, "hard": 31958}
    assert record["num_detections"] == 123_525
