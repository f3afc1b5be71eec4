"""Exported files of a model for measuring it, and what Ultralytics' exporter notes in them."""

from __future__ import annotations

import ast
import logging
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ultra_face.runtimes.ultralytics_model import open_model


def export(checkpoint: Path, folder: Path, size: int, *, kind: str = "onnx") -> Path:
    """Write the file of a checkpoint in a format of Ultralytics into a folder, which is made; for inputs of one size.

    Args:
        checkpoint: stays as it is, with nothing beside it.
        folder: for the file.
        size: side of an input [px].
        kind: `onnx` or `openvino`.

    Returns:
        The file, or the folder of OpenVINO.
    """
    folder.mkdir(parents=True, exist_ok=True)
    copied = shutil.copy(checkpoint, folder / checkpoint.name)  # the exporter writes beside the checkpoint
    return Path(open_model(copied).export(format=kind, imgsz=size, verbose=False))


@contextmanager
def errors_alone(logger: logging.Logger) -> Iterator[None]:
    """Let a logger, whose advice is for programmers or of files that are gone soon, say errors alone meanwhile."""
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def as_values(metadata: Mapping[str, str]) -> dict[str, Any]:
    """What an ONNX file notes, as the values that Ultralytics' exporter had; tuples as lists, for YAML."""
    return {key: _value(text) for key, text in metadata.items()}


def _value(text: str) -> Any:
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
    return list(value) if isinstance(value, tuple) else value
