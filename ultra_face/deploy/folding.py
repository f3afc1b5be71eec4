"""A checkpoint whose norms fold, and what that changes: the blocks, the precision, the time of an export."""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ultralytics import YOLO

from ultra_face.deploy import timing
from ultra_face.deploy.exports import export
from ultra_face.deploy.norms import LEAST_CORRELATION, Fold, fold_norms
from ultra_face.deploy.photographs import Inputs, Progress
from ultra_face.refinement.checkpoint import check_new_checkpoint, write_checkpoint
from ultra_face.runtimes.ultralytics_model import open_model


def write_folded(
    detector: YOLO,
    output: Path,
    inputs: Inputs,
    *,
    least_correlation: float = LEAST_CORRELATION,
    progress: Progress = iter,
) -> list[Fold]:
    """Write a copy of a detector whose GroupNorms are BatchNorms; the detector itself stays as it is.

    Args:
        detector: Ultralytics' `YOLO` of the checkpoint of a model with CGS or MC4f.
        output: the new checkpoint.
        inputs: photographs of the kind that the model was trained on.
        least_correlation: of each block before and after.
        progress: wraps the photographs, twice, and shows how far they are.

    Returns:
        How near each block comes.

    Raises:
        FileExistsError: `output` exists.
        ValueError: nothing to fold, no photographs, a file that is no `.pt`, or a block that comes out otherwise.
    """
    check_new_checkpoint(output)
    model, folds = fold_norms(detector.model, inputs, progress=progress)
    worst = min(folds, key=lambda fold: fold.correlation)
    if worst.correlation < least_correlation:
        raise ValueError(
            f"{output}: expected every block to correlate by {least_correlation:g} or more with what it was, got "
            f"{worst.correlation:.3f} for block {worst.name}; nothing is written: fit on more photographs, or train "
            "the model with `batch` in its YAML"
        )
    write_checkpoint(detector, model, output)
    return folds


def precision(checkpoint: Path, data: str, size: int) -> dict[str, float]:
    """AP on the validation photographs as `yolo val` counts it, in percent."""
    with tempfile.TemporaryDirectory() as folder:
        measured = open_model(checkpoint).val(data=data, imgsz=size, plots=False, verbose=False, project=folder)
    return {"box AP50": 100 * measured.box.map50, "box AP50-95": 100 * measured.box.map}


def milliseconds(checkpoints: Sequence[Path], size: int) -> list[float] | None:
    """Median time of the ONNX file of each on one thread, in turns; None without ONNX and ONNX Runtime."""
    if not all(importlib.util.find_spec(name) for name in ("onnx", "onnxruntime")):
        return None
    with tempfile.TemporaryDirectory() as folder:
        networks = [
            timing.open_onnx(export(checkpoint, Path(folder, str(number)), size), num_threads=1)
            for number, checkpoint in enumerate(checkpoints)
        ]
    return timing.milliseconds(networks, timing.random_inputs(size, size))
