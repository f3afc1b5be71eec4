"""Checkpoints for the tests of exported models, and run times that compute as asked and send nothing.

Training the checkpoints takes seconds, so it is done once.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import openvino
import pytest
from detecting_model import save_detecting_model


@pytest.fixture(scope="session")
def detecting_model(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Gives the checkpoint of a model, by name, that finds faces in the photographs."""

    @cache
    def checkpoint(name: str) -> Path:
        return save_detecting_model(name, tmp_path_factory.mktemp(name) / "best.pt")

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
