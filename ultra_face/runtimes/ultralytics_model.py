"""Open a model of Ultralytics for a command; whatever is wrong with its file is told in one sentence."""

from __future__ import annotations

from pathlib import Path

from ultralytics import YOLO

from ultra_face.formats.files import named

REMEDY = "name a best.pt of yolo train"


def open_model(file: str | Path, expected: str = "a model of Ultralytics") -> YOLO:
    """Open a checkpoint, a model YAML or an export, shipped ones by their name. An export is read when it predicts.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is not what is `expected`, in words.
    """
    try:
        with named(file, expected, REMEDY):
            return YOLO(file)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{file}: expected {expected}, got no file; check the path") from error


def open_checkpoint(file: Path) -> YOLO:
    """Open the checkpoint of a face model, which has a network and weights.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: a file of another kind.
    """
    expected = "the checkpoint of a face model"
    model = open_model(file, expected)
    if not model.ckpt:
        raise ValueError(f"{file}: expected {expected}, got a model YAML or an export; {REMEDY}")
    return model
