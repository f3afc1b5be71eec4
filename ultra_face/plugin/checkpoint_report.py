"""What a checkpoint file is, in a few rows: whether it loads without code of its own, and which model it holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ultra_face.files.trust import files_trusted
from ultra_face.runtimes.score_table import KEY, ScoreTable

EXPECTED = "a checkpoint of a face model"
FIT = "calibration"
"""Attribute of the model in a checkpoint that keeps what `ultra-face calibrate` has fitted."""

Look = Callable[[Any], str]


def _model(yolo: Any) -> str:
    head = type(yolo.model.model[-1]).__name__
    return (
        f"{type(yolo.model).__name__} that ends in {head}, {sum(p.numel() for p in yolo.model.parameters()):,} weights"
    )


def _classes(yolo: Any) -> str:
    names = getattr(yolo.model, "names", None) or {}
    return ", ".join(map(str, names.values() if isinstance(names, Mapping) else names)) or "not named"


def _landmarks(yolo: Any) -> str:
    shape = getattr(yolo.model, "kpt_shape", None)
    return "none" if shape is None else f"{shape[0]}, each of {shape[1]} values"


def _written(yolo: Any) -> str:
    content = yolo.ckpt or {}
    return f"by Ultralytics {content.get('version') or 'of unknown version'}, {content.get('date') or 'undated'}"


def _scores(yolo: Any) -> str:
    fitted = getattr(yolo.model, FIT, None)
    if not isinstance(fitted, Mapping):
        return "as they were trained"
    return (
        f"calibrated: {fitted['slope']:+g} a doubling of the side, gain {fitted['gain']:g}, offset "
        f"{fitted['offset']:+g}; on {fitted['faces']:,} faces of {fitted['images']:,} photographs ({fitted['data']})"
    )


def _thresholds(yolo: Any) -> str:
    table = ScoreTable.read(getattr(yolo.model, KEY, None), "the checkpoint")
    if table is None:
        return "none stored"
    told = ", ".join(f"{score:g} for {100 * precision:g} %" for precision, score, _ in table.rows if precision >= 0.9)
    return f"{told or 'none'}, of {table.images:,} photographs ({table.data}) at {table.imgsz} px"


LOOKS: Mapping[str, Look] = {
    "model": _model,
    "classes": _classes,
    "landmarks": _landmarks,
    "scores": _scores,
    "precision": _thresholds,
    "written": _written,
}
"""What the report says of a model that loads, a row each."""


def describe_checkpoint(file: Path) -> tuple[bool, dict[str, str]]:
    """Whether a file loads without code of its own, and the rows of its report. The code is not run to find out."""
    from ultra_face.runtimes.ultralytics_model import open_checkpoint  # only here: the doctor runs without torch, too

    try:
        with files_trusted(False):
            yolo = open_checkpoint(file)
    except (OSError, ValueError) as error:
        return False, {"loads": f"NO: {' '.join(str(error).split())}"}
    rows = {"loads": "with weights_only=True: it runs no code of its own"}
    for name, look in LOOKS.items():
        try:
            rows[name] = look(yolo)
        except Exception as error:  # a file of others may hold anything under these names
            rows[name] = f"not known ({type(error).__name__})"
    return True, rows
