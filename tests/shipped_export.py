"""Fixture: the shipped weights as the ONNX file that Ultralytics' exporter makes of them."""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path

import pytest

SHIPPED = Path(__file__).resolve().parent.parent / "weights" / "yolov5n-aesvc-face.pt"


def export(checkpoint: Path, **arguments: object) -> Path:
    """Export a checkpoint, beside itself."""
    from ultralytics import YOLO  # here: most tests need none

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter traces, which torch announces to retire
        return Path(YOLO(checkpoint).export(**arguments))


@pytest.fixture(scope="session")
def shipped_onnx(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made once, in seconds; for inputs and batches of any size."""
    checkpoint = tmp_path_factory.mktemp("shipped") / SHIPPED.name
    return export(Path(shutil.copy(SHIPPED, checkpoint)), format="onnx", dynamic=True)
