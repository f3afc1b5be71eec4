"""Exported files of a model for measuring it, and what Ultralytics' exporter notes in them."""

from __future__ import annotations

import ast
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ultralytics import YOLO


def export_onnx(checkpoint: Path, folder: Path, size: int) -> Path:
    """Write the ONNX file of a checkpoint into a folder, which is made; for inputs of one size [px]."""
    folder.mkdir(parents=True, exist_ok=True)
    copied = shutil.copy(checkpoint, folder / checkpoint.name)  # the exporter writes beside the checkpoint
    return Path(YOLO(copied).export(format="onnx", imgsz=size, verbose=False))


def as_values(metadata: Mapping[str, str]) -> dict[str, Any]:
    """What an ONNX file notes, as the values that Ultralytics' exporter had; tuples as lists, for YAML."""
    return {key: _value(text) for key, text in metadata.items()}


def _value(text: str) -> Any:
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
    return list(value) if isinstance(value, tuple) else value
