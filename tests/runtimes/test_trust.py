"""A checkpoint that would run code does not, in any command; who trusts a file has its code run."""

from __future__ import annotations

import os
import pickle
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from small_models import small_model

from ultra_face.__main__ import main
from ultra_face.detector import FaceDetector
from ultra_face.files.trust import files_trusted, is_refused, is_trusted
from ultra_face.runtimes.ultralytics_model import open_checkpoint, open_model
from ultra_face.super_resolution.checkpoint import load_generator
from ultra_face.super_resolution.losses import load_detector, vgg19_features

pytestmark = pytest.mark.filterwarnings("ignore:Detected pickle protocol")

REFUSED = r"evil\.pt: expected .+ of known classes, got one that names \S+, which may run code; if you know who made it"


class Runs:
    """Makes a folder when it is loaded."""

    def __init__(self, mark: Path) -> None:
        self.mark = str(mark)

    def __reduce__(self) -> Any:
        return os.mkdir, (self.mark,)


@pytest.fixture
def mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What appears when code has run; the working folder has a hostile checkpoint, a good one and a small data set."""
    monkeypatch.chdir(tmp_path)
    mark = tmp_path / "ran"
    good = {"model": small_model("AnchorPose").half(), "train_args": {"task": "pose"}}
    torch.save(good, "best.pt")
    torch.save({**good, "optimizer": Runs(mark)}, "evil.pt")
    for split in ("train", "val"):
        folder = Path("images", split)
        folder.mkdir(parents=True)
        cv2.imwrite(str(folder / "a.png"), np.zeros((64, 64, 3), np.uint8))
    Path("data.yaml").write_text("train: images/train\nval: images/val\nnames: [face]\nkpt_shape: [5, 3]\n")
    Path("gt.txt").write_text("0--P/a.jpg\n0\n0 0 0 0 0 0 0 0 0 0\n")
    Path("images/0--P").mkdir()
    cv2.imwrite("images/0--P/a.jpg", np.zeros((64, 64, 3), np.uint8))
    return mark


def status(line: str, monkeypatch: pytest.MonkeyPatch) -> object:
    """What ends a command."""
    monkeypatch.setattr(sys, "argv", ["ultra-face", *line.split()])
    try:
        main()
    except SystemExit as stopped:
        return stopped.code
    return 0


COMMANDS = [
    "detect images/train/a.png --model {model} --output faces.csv --quiet",
    "blur images/train/a.png --model {model} --output b.png --quiet",
    "evaluate --model {model} --images images --ground-truth gt.txt --output results",
    "refine {model} refined.pt",
    "show {model} images/train/a.png --imgsz 64",
    "calibrate {model} calibrated.pt --data data.yaml --imgsz 64",
    "fold-norms {model} folded.pt --data data.yaml --photographs 1 --imgsz 64",
    "quantize {model} int8.onnx --data data.yaml --photographs 1 --imgsz 64",
    "web {model} --output site",
    "train-generator --data data.yaml --detector {model} --tile 32 --min-face 4",
]


@pytest.mark.parametrize("line", COMMANDS, ids=[line.split()[0] for line in COMMANDS])
def test_no_command_runs_what_a_checkpoint_brings(mark: Path, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    before = {path.name for path in Path().iterdir()}
    told = status(line.format(model="evil.pt"), monkeypatch)
    assert told not in (0, None)
    assert not mark.exists()
    assert {path.name for path in Path().iterdir()} - before <= {"results", "runs"}


def test_the_sentence_names_the_function_and_the_option(mark: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = str(status("refine evil.pt refined.pt", monkeypatch))
    assert told == (
        "ultra-face refine: evil.pt: expected the checkpoint of a face model of known classes, got one that names "
        "posix.mkdir, which may run code; if you know who made it, run again with --trust, in Python with trust=True"
    )


def test_who_trusts_a_file_has_its_code_run(mark: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert status("refine evil.pt refined.pt --trust", monkeypatch) == 0
    assert Path("refined.pt").exists()
    assert mark.exists()


def test_the_detector_refuses_unless_it_is_told_otherwise(mark: Path) -> None:
    with pytest.raises(ValueError, match=REFUSED):
        FaceDetector("evil.pt", imgsz=64)
    assert not mark.exists()
    FaceDetector("evil.pt", imgsz=64, trust=True)
    assert mark.exists()


@pytest.mark.parametrize("way", ["archive", "legacy", "pickle"])
@pytest.mark.parametrize("read", [open_model, open_checkpoint, load_generator, load_detector, vgg19_features])
def test_every_way_to_write_a_pickle_is_refused(mark: Path, way: str, read: Any) -> None:
    if way == "pickle":
        Path("evil.pt").write_bytes(pickle.dumps({"model": Runs(mark)}))
    else:
        torch.save({"model": Runs(mark)}, "evil.pt", _use_new_zipfile_serialization=way == "archive")
    with pytest.raises(ValueError, match=r"^evil\.pt: expected "):
        read(Path("evil.pt"))
    assert not mark.exists()


def test_good_checkpoints_load(mark: Path) -> None:
    assert type(open_checkpoint(Path("best.pt")).model.model[-1]).__name__ == "AnchorPose"
    assert FaceDetector("best.pt", imgsz=64)(np.zeros((64, 64, 3), np.uint8)) is not None


def test_an_old_torch_is_told_rather_than_trusted(mark: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch.serialization, "get_unsafe_globals_in_checkpoint")
    with pytest.raises(
        ValueError, match=r"best\.pt: expected torch 2\.6 or later, which can load a checkpoint without"
    ):
        open_model("best.pt")


def test_nobody_has_said_anything_at_first() -> None:
    assert not is_trusted()
    assert not is_refused()
    with files_trusted(False):
        assert is_refused()
        with files_trusted(True):
            assert is_trusted()
        assert is_refused()
    assert not is_refused()
