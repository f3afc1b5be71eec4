"""Checkpoints for the tests of exported models, and run times that compute as asked and send nothing.

Training the checkpoints takes seconds, so it is done once, even where several processes test.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import openvino
import pytest
from detecting_model import save_detecting_model
from filelock import FileLock


@pytest.fixture(scope="session")
def detecting_model(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Gives the checkpoint of a model, by name, that finds faces in the photographs."""

    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # which all have in common

    @cache
    def checkpoint(name: str) -> Path:
        file = folder / f"detecting-{name}" / "best.pt"
        with FileLock(folder / f"detecting-{name}.lock"):
            if not file.exists():
                file.parent.mkdir()
                save_detecting_model(name, file)
        return file

    return checkpoint


class Float32Core(openvino.Core):
    """OpenVINO that computes as the network was trained; by itself it takes bfloat16 where the processor has it."""

    def __init__(self) -> None:
        super().__init__()
        self.set_property("CPU", {"INFERENCE_PRECISION_HINT": "f32"})


@pytest.fixture(autouse=True)
def run_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenVINO in float32; MNN's converter without the module that installs a package and sends statistics."""
    monkeypatch.setattr(openvino, "Core", Float32Core)
    monkeypatch.setitem(sys.modules, "MNN.tools.utils.log", None)
