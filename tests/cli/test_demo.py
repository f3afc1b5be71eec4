"""The first run of a new user, shortened."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_the_demo_trains_predicts_and_leaves_pictures(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "ultra_face", "demo", "--epochs", "1", "--imgsz", "64"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    output = (run.stdout + run.stderr).splitlines()
    (pictures,) = [line.removeprefix("Pictures: ") for line in output if line.startswith("Pictures: ")]
    assert {file.name for file in Path(pictures).iterdir()} == {"bus.jpg", "zidane.jpg"}
    (model,) = [line.removeprefix("Model: ") for line in output if line.startswith("Model: ")]
    assert Path(model).is_file()
