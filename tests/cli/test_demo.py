"""The first run of a new user, shortened."""

from __future__ import annotations

from pathlib import Path

import pytest
from interpreters import run_python


@pytest.mark.slow
def test_the_demo_trains_predicts_and_leaves_pictures(tmp_path: Path) -> None:
    words = ["-m", "ultra_face", "demo", "--epochs", "1", "--imgsz", "64"]
    # Settings of its own, and with them the folder of data sets: another test may draw the same faces meanwhile.
    run = run_python(*words, folder=tmp_path, YOLO_CONFIG_DIR=str(tmp_path / "settings"))
    assert (tmp_path / "datasets" / "faces-demo" / "images" / "train").is_dir()
    output = (run.stdout + run.stderr).splitlines()
    (pictures,) = [line.removeprefix("Pictures: ") for line in output if line.startswith("Pictures: ")]
    assert {file.name for file in Path(pictures).iterdir()} == {"bus.jpg", "zidane.jpg"}
    (model,) = [line.removeprefix("Model: ") for line in output if line.startswith("Model: ")]
    assert Path(model).is_file()
