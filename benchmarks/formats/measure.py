"""Measure one run time in the environment that runs this: export, faces beside PyTorch's, time beside ONNX Runtime's.

`benchmarks/bench_formats.py` starts it, in a process for each run time and number of threads, in a folder of its own
with the checkpoint `best.pt`.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from ultralytics import YOLO

from benchmarks.formats.run_times import ONNX, RUN_TIMES, SIZE, RunTime
from ultra_face import Faces

THRESHOLDS = {"conf": 0.25, "iou": 0.5}


def keep_converters_at_home() -> None:
    """Put what TensorFlow's would fetch into the working folder; keep MNN's from installing and sending something."""
    images = np.random.default_rng(0).random((20, 128, 128, 3), np.float32)
    np.save("calibration_image_sample_data_20x128x128x3_float32.npy", images)
    sys.modules["MNN.tools.utils.log"] = None


def find_faces(model: YOLO, photograph: Path, **prediction: Any) -> Faces:
    """Faces of a photograph."""
    (result,) = model.predict(
        photograph, imgsz=SIZE, rect=False, device="cpu", verbose=False, **THRESHOLDS, **prediction
    )
    return Faces.from_result(result)


def coordinates(faces: Faces) -> NDArray[np.float64]:
    """Corners and landmarks (n, 14) [px]."""
    return np.concatenate([faces.boxes_xyxy, faces.landmarks.reshape(len(faces), -1)], 1).astype(float)


def shifts(wanted: Faces, got: Faces) -> NDArray[np.float64]:
    """Largest shift of a coordinate of each face that both have [px].

    Faces are the same where each is the other's nearest, and no coordinate is off by half of the shorter side.
    """
    if not len(wanted) or not len(got):
        return np.zeros(0)
    apart = np.nanmax(np.abs(coordinates(wanted)[:, None] - coordinates(got)), 2)  # not all landmarks are known
    shift, nearest = apart.min(1), apart.argmin(1)
    mutual = apart.argmin(0)[nearest] == np.arange(len(wanted))
    same: NDArray[np.float64] = shift[mutual & (shift < np.minimum(wanted.width, wanted.height) / 2)]
    return same


def compare(model: YOLO, reference: YOLO, photographs: Sequence[Path], prediction: dict[str, Any]) -> dict[str, Any]:
    """How many faces both find, and how far those that both find lie apart at most [px of the input]."""
    counts, largest = {"pytorch": 0, "here": 0, "both": 0}, 0.0
    for photograph in photographs:
        wanted, got = find_faces(reference, photograph), find_faces(model, photograph, **prediction)
        same = shifts(wanted, got) * SIZE / max(cv2.imread(str(photograph)).shape[:2])
        for name, count in (("pytorch", len(wanted)), ("here", len(got)), ("both", len(same))):
            counts[name] += count
        largest = max(largest, *same.tolist(), 0.0)
    return {"faces": counts, "largest_px": largest}


def times(models: dict[str, YOLO], x: torch.Tensor, rounds: int) -> dict[str, float]:
    """Median time of one pass of each [ms], all taking turns."""
    taken: dict[str, list[float]] = {name: [] for name in models}
    for turn in range(rounds + 3):  # the first do not count
        for name, model in models.items():
            begin = time.perf_counter()
            model.predictor.model(x)
            if turn >= 3:
                taken[name].append(1e3 * (time.perf_counter() - begin))
    return {name: statistics.median(values) for name, values in taken.items()}


def load(run_time: RunTime, file: Path, num_threads: int, photograph: Path) -> YOLO:
    """A file, loaded to run with so many threads."""
    model = YOLO(file, task="pose")
    with run_time.threads(num_threads):
        find_faces(model, photograph, **run_time.prediction)
    return model


def megabytes(file: Path) -> float:
    """Size of a file, or of all in a folder but for those of TensorFlow Lite, which its converter leaves there."""
    files = [file] if file.is_file() else [part for part in file.rglob("*") if part.is_file()]
    files = [part for part in files if part == file or part.suffix != ".tflite"]
    return sum(part.stat().st_size for part in files) / 1e6


def measure(
    name: str, folder: Path, yardstick: Path, photographs: Sequence[Path], num_threads: int, rounds: int
) -> dict[str, Any]:
    """Times with so many threads; what the file is like, too, where it is exported only now.

    Args:
        name: one of RUN_TIMES.
        folder: with the checkpoint `best.pt`; the file is left there, until another of this name is.
        yardstick: ONNX file of the same checkpoint.
        photographs: image files.
        num_threads: threads of both.
        rounds: passes of each.
    """
    run_time, said = RUN_TIMES[name], folder / f"{name}.txt"
    found: dict[str, Any] = {}
    first = not said.exists()
    if first:
        exported = folder / run_time.left_by_another
        if not run_time.left_by_another or not exported.exists():
            exported = Path(YOLO(folder / "best.pt").export(imgsz=SIZE, device="cpu", **run_time.arguments))
        said.write_text(str(exported), encoding="utf-8")
        found["megabytes"] = megabytes(exported)
        found["versions"] = {package: importlib.metadata.version(package) for package in run_time.packages}
    models = {
        ONNX: load(RUN_TIMES[ONNX], yardstick, num_threads, photographs[0]),
        name: load(run_time, Path(said.read_text(encoding="utf-8")), num_threads, photographs[0]),
    }
    # Before the reference is loaded, since Ultralytics then sets the threads of PyTorch.
    taken = times(models, torch.rand(1, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0)), rounds)
    found |= {"ms": taken[name], "onnx_ms": taken[ONNX]}
    if first:
        found |= compare(models[name], YOLO(folder / "best.pt"), photographs, run_time.prediction)
    return found


def main() -> None:
    """Read the command line, measure, write what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run_time", choices=RUN_TIMES, metavar="RUN_TIME")
    parser.add_argument("--yardstick", type=Path, required=True)
    parser.add_argument("--photographs", type=Path, nargs="+", required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--rounds", type=int, required=True)
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    keep_converters_at_home()
    found = measure(
        options.run_time, Path.cwd(), options.yardstick, options.photographs, options.threads, options.rounds
    )
    options.output.write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
