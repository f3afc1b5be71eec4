"""The exports that need an NVIDIA GPU: their faces beside those of PyTorch on the processor, and their times.

Runs a checkpoint in PyTorch, its ONNX file in ONNX Runtime by CUDA and its engine in TensorRT, each in float and in
half precision, as far as the machine has them: `pip install onnxruntime-gpu tensorrt`. What it lacks stands in the
record with the reason. All that run take turns, and each pass is waited for. `--device cpu` tries the same without.

    python benchmarks/gpu_exports.py --data PHOTOGRAPHS --data-name "..."

The figures go to `results/gpu-exports.json`.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnxruntime
import torch
from ultralytics import YOLO
from ultralytics.utils import TQDM

from benchmarks.formats.measure import THRESHOLDS, megabytes, shifts
from benchmarks.provenance import REPOSITORY, provenance
from ultra_face import Faces
from ultra_face.cli.command import command, positive
from ultra_face.detection.images import Pixels, read_photograph
from ultra_face.formats.image_files import find_images
from ultra_face.runtimes.onnx_network import CPU, CUDA
from ultra_face.runtimes.ultralytics_model import open_checkpoint

RESULT = REPOSITORY / "results" / "gpu-exports.json"
CHECKPOINT = REPOSITORY / "weights" / "yolov5n-aesvc-face.pt"
WARM_UP = 10  # passes that do not count


class Run(NamedTuple):
    """A way to run the checkpoint: as it is, or as an export of this format."""

    format: str | None
    half: bool


RUNS = {
    "PyTorch, float": Run(None, half=False),
    "PyTorch, half": Run(None, half=True),
    "ONNX Runtime, float": Run("onnx", half=False),
    "ONNX Runtime, half": Run("onnx", half=True),
    "TensorRT, float": Run("engine", half=False),
    "TensorRT, half": Run("engine", half=True),
}


def lacks(run: Run, device: torch.device) -> str | None:
    """What this machine lacks for a run, None where it has all."""
    if run.format == "engine" and device.type == "cpu":
        return "TensorRT needs an NVIDIA GPU"
    if run.format == "engine" and find_spec("tensorrt") is None:
        return "the package tensorrt is not installed"
    if run.format == "onnx" and device.type == "cuda" and CUDA not in onnxruntime.get_available_providers():
        return f"this ONNX Runtime has no {CUDA}; install onnxruntime-gpu instead"
    if run == Run(None, half=True) and device.type == "cpu":
        return "Ultralytics runs checkpoints in half precision on GPUs alone"
    return None


def chosen_device(name: str) -> torch.device:
    """The device of a number or `cpu`.

    Raises:
        ValueError: no such GPU.
    """
    if name == "cpu":
        return torch.device(name)
    number = torch.cuda.device_count()
    if not name.isdecimal() or int(name) >= number:
        raise ValueError(
            f"--device {name}: expected the number of an NVIDIA GPU that PyTorch sees, got none of {number}; run this "
            "where there is one, or try it with --device cpu"
        )
    return torch.device("cuda", int(name))


def find_faces(model: YOLO, photograph: Pixels, run: Run, device: torch.device, size: int) -> Faces:
    """Faces of a photograph [px], whose input is a square of this size [px]."""
    settings = {"imgsz": size, "rect": False, "quantize": 16 if run.half else None, "verbose": False, **THRESHOLDS}
    (result,) = model.predict(photograph, device=device, **settings)
    return Faces.from_result(result)


def open_run(run: Run, checkpoint: Path, device: torch.device, size: int) -> tuple[YOLO, Path]:
    """Export the checkpoint where that is asked for; gives the model, which has predicted once, and its file.

    Raises:
        ValueError: it does not run on the device.
    """
    file = checkpoint
    if run.format is not None:
        asked = {"quantize": 16} if run.half else {}
        file = Path(YOLO(checkpoint).export(format=run.format, imgsz=size, device=device, **asked))
    model = YOLO(file, task="pose")
    find_faces(model, np.zeros((size, size, 3), np.uint8), run, device, size)
    used = runs_on(model)
    if used == CPU and device.type != "cpu":
        raise ValueError(f"ONNX Runtime fell back to {CPU}, since the libraries of {CUDA} do not load")
    return model, file


def runs_on(model: YOLO) -> str:
    """The provider of ONNX Runtime, or the device of the others."""
    backend = model.predictor.model
    session = getattr(backend, "session", None)
    return str(backend.device) if session is None else str(session.get_providers()[0])


def compare(
    found: Sequence[Faces], expected: Sequence[Faces], photographs: Sequence[Pixels], size: int
) -> dict[str, Any]:
    """How many faces both find, and how far those lie apart at most [px of the input]."""
    same = [
        shifts(wanted, got) * size / max(photograph.shape[:2])
        for wanted, got, photograph in zip(expected, found, photographs, strict=True)
    ]
    return {
        "faces": {"pytorch": sum(map(len, expected)), "here": sum(map(len, found)), "both": sum(map(len, same))},
        "largest_px": float(np.concatenate(same).max(initial=0)),
    }


def times(passes: Mapping[str, Callable[[], Any]], device: torch.device, rounds: int) -> dict[str, float]:
    """Median time of each pass [ms], until the device has done it; all take turns."""
    taken: dict[str, list[float]] = {name: [] for name in passes}
    for turn in TQDM(range(WARM_UP + rounds), desc="passes"):
        for name, run in passes.items():
            wait(device)
            begin = time.perf_counter()
            run()
            wait(device)
            if turn >= WARM_UP:
                taken[name].append(1e3 * (time.perf_counter() - begin))
    return {name: statistics.median(values) for name, values in taken.items()}


def wait(device: torch.device) -> None:
    """Until the device has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def measure(
    checkpoint: Path, photographs: Sequence[Pixels], device: torch.device, size: int, rounds: int
) -> tuple[dict[str, Any], dict[str, str], dict[str, str]]:
    """Figures of each run; reasons of those for which something is lacking here; errors of those that failed."""
    rows: dict[str, Any] = {}
    models: dict[str, YOLO] = {}
    lacking = {name: reason for name, run in RUNS.items() if (reason := lacks(run, device)) is not None}
    failed: dict[str, str] = {}
    cpu, plain = torch.device("cpu"), RUNS["PyTorch, float"]
    reference = YOLO(checkpoint)
    expected = [find_faces(reference, photograph, plain, cpu, size) for photograph in photographs]
    with tempfile.TemporaryDirectory() as folder:
        for number, (name, run) in enumerate(RUNS.items()):
            if name in lacking:
                print(f"{name:<20} not run: {lacking[name]}", flush=True)
                continue
            own = Path(folder, str(number))
            own.mkdir()
            try:
                model, file = open_run(run, Path(shutil.copy(checkpoint, own / "best.pt")), device, size)
                found = [find_faces(model, photograph, run, device, size) for photograph in photographs]
            except Exception as error:  # whatever the tools of a GPU raise; the others go on
                failed[name] = f"{type(error).__name__}: {error}"
                print(f"{name:<20} failed: {failed[name]}", flush=True)
                continue
            rows[name] = {"runs_on": runs_on(model), "megabytes": megabytes(file)}
            rows[name] |= compare(found, expected, photographs, size)
            models[name] = model
        x = torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(0)).to(device)
        passes = {name: lambda model=model: model.predictor.model(x) for name, model in models.items()}
        with torch.inference_mode():
            for name, median in times(passes, device, rounds).items():
                rows[name]["ms"] = median
    return rows, lacking, failed


def describe(row: Mapping[str, Any]) -> str:
    """What was found, on a line."""
    return (
        f"{row['ms']:8.2f} ms on {row['runs_on']}, {row['megabytes']:.1f} MB, {row['faces']['both']} of "
        f"{row['faces']['pytorch']} faces, {row['largest_px']:.4f} px"
    )


def hardware(device: torch.device) -> dict[str, Any] | None:
    """The GPU and its libraries, for the record; None on the processor."""
    if device.type == "cpu":
        return None
    versions = {}
    for package in ("onnxruntime-gpu", "tensorrt"):
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {
        "name": torch.cuda.get_device_name(device),
        "capability": list(torch.cuda.get_device_capability(device)),
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),
        "tf32_in_convolutions": torch.backends.cudnn.allow_tf32,
        "versions": versions,
    }


def main() -> int:
    """Measure, print and write the record; status 1 where a run failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", type=Path, default=CHECKPOINT, help="checkpoint (default: shipped weights)")
    parser.add_argument("--data", type=Path, required=True, help="folder of photographs")
    parser.add_argument("--data-name", required=True, help="what they are, in words")
    parser.add_argument("--device", default="0", help="number of the GPU (default: 0), or cpu")
    parser.add_argument("--photographs", type=positive, default=20, help="so many, evenly spread (default: 20)")
    parser.add_argument("--rounds", type=positive, default=200, help="passes of each (default: 200)")
    parser.add_argument("--imgsz", type=positive, default=640, help="side of the input [px] (default: 640)")
    parser.add_argument("--output", type=Path, help="the record (default: results/gpu-exports.json)")
    options = parser.parse_args()
    device = chosen_device(options.device)
    if device.type == "cpu" and options.output is None:
        raise ValueError("--device cpu: expected --output, as the default is the record of a GPU; name another file")
    found = find_images(options.data)
    if not found:
        raise ValueError(f"{options.data}: expected a folder of photographs, got none; check the path")
    open_checkpoint(options.model)  # what cannot be opened shows before anything is measured
    chosen = np.linspace(0, len(found) - 1, min(options.photographs, len(found))).astype(int)
    photographs = [read_photograph(found[index]).pixels for index in chosen]
    rows, lacking, failed = measure(options.model, photographs, device, options.imgsz, options.rounds)
    config = {"model": options.model.name, "device": options.device, "size": options.imgsz}
    config |= {"photographs": len(photographs), "rounds": options.rounds, **THRESHOLDS}
    record = {
        "provenance": provenance(config, options.data_name, None) | {"gpu": hardware(device)},
        "rows": rows,
        "not run": lacking | failed,
    }
    output = options.output or RESULT
    output.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    for name, row in rows.items():
        print(f"{name:<20} {describe(row)}")
    print(f"wrote {output}")
    return 1 if failed else 0


if __name__ == "__main__":
    with command("gpu_exports"):
        sys.exit(main())
