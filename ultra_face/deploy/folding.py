"""A checkpoint whose norms fold, and what that changes: the blocks, the precision, the time of an export."""

from __future__ import annotations

import importlib.util
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from ultralytics import YOLO
from ultralytics.data.augment import LetterBox

from ultra_face.deploy.norms import LEAST_CORRELATION, Fold, fold_norms
from ultra_face.formats.image_files import list_images, read_image
from ultra_face.refinement.checkpoint import check_new_checkpoint, write_checkpoint

RUNS = 20  # of an export that is timed

Progress = Callable[[Iterable[Any]], Iterable[Any]]


@dataclass(frozen=True)
class Inputs:
    """Photographs as a network takes them, read anew each time.

    Attributes:
        files: of the photographs.
        size: longer side of an input [px].
    """

    files: Sequence[Path]
    size: int

    def __len__(self) -> int:
        return len(self.files)

    def __iter__(self) -> Iterator[Tensor]:
        """Yield each photograph (1, 3, H, W), RGB, 0..1.

        Raises:
            ValueError: one does not decode.
        """
        letterbox = LetterBox((self.size, self.size), auto=True)
        for file in self.files:
            pixels = read_image(file)
            if pixels is None:
                raise ValueError(f"{file}: expected an image, got a file that does not decode; remove it")
            resized = letterbox(image=pixels)[..., ::-1].transpose(2, 0, 1)
            yield torch.from_numpy(resized.copy()).unsqueeze(0).float() / 255


def choose_evenly(locations: Iterable[str | Path], count: int) -> list[Path]:
    """At most so many images of folders and lists, evenly spread over all.

    Raises:
        FileNotFoundError: a folder or list is not there.
    """
    files = list_images(locations)
    return [files[index * len(files) // count] for index in range(count)] if len(files) > count else files


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
        measured = YOLO(checkpoint).val(data=data, imgsz=size, plots=False, verbose=False, project=folder)
    return {"box AP50": 100 * measured.box.map50, "box AP50-95": 100 * measured.box.map}


def milliseconds(checkpoints: Sequence[Path], size: int) -> list[float] | None:
    """Median time of the ONNX file of each on one thread, in turns; None without ONNX and ONNX Runtime."""
    if not all(importlib.util.find_spec(name) for name in ("onnx", "onnxruntime")):
        return None
    import onnxruntime  # only here: an extra

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    sessions = []
    with tempfile.TemporaryDirectory() as folder:
        for number, checkpoint in enumerate(checkpoints):
            copied = shutil.copy(checkpoint, Path(folder) / f"{number}.pt")
            exported = YOLO(copied).export(format="onnx", imgsz=size, verbose=False)
            sessions.append(onnxruntime.InferenceSession(exported, options, providers=["CPUExecutionProvider"]))
    image = torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(0)).numpy()
    taken: list[list[float]] = [[] for _ in sessions]
    for run in range(RUNS + 1):
        for session, times in zip(sessions, taken, strict=True):
            begin = time.perf_counter()
            session.run(None, {session.get_inputs()[0].name: image})
            if run:  # the first one warms up
                times.append(1000 * (time.perf_counter() - begin))
    return [statistics.median(times) for times in taken]
