"""What `FaceDetector` costs besides its network, end to end from the JPEG file, and from the start of Python.

Candidates take turns at each photograph, so that a busy moment of the machine hits all alike; what is reported are
medians over the photographs. "Rest" is everything that is not the network: reading and decoding the file, letterbox,
decoding of the predictions, suppression. Starts are new processes, from their start to the first face, in turns too.

python benchmarks/bench_detector.py --data PHOTOGRAPHS --data-name "..." --yunet yunet_n_640_640.onnx
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from ultralytics import YOLO

from benchmarks.onnx_threads import onnx_threads
from benchmarks.provenance import REPOSITORY, provenance
from ultra_face import FaceDetector
from ultra_face.formats.image_files import find_images

RESULT = REPOSITORY / "results" / "detector.json"
SIZE, CONFIDENCE = 640, 0.5
STARTS = {
    "FaceDetector, .onnx": "from ultra_face import FaceDetector; FaceDetector(sys.argv[1])(sys.argv[3])",
    "YOLO, .onnx": "from ultralytics import YOLO; YOLO(sys.argv[1], task='pose')(sys.argv[3], conf=0.5, verbose=False)",
    "YOLO, .pt": "from ultralytics import YOLO; YOLO(sys.argv[2])(sys.argv[3], conf=0.5, verbose=False)",
}

Run = Callable[[str], Any]


class Stopwatch:
    """Stands around a network, and adds up the time that it takes [s]."""

    def __init__(self, network: Any) -> None:
        self._network, self.seconds = network, 0.0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._network, name)

    def __call__(self, *inputs: Any) -> Any:
        """Run the network."""
        begin = time.perf_counter()
        try:
            return self._network(*inputs)
        finally:
            self.seconds += time.perf_counter() - begin


def watched(file: Path) -> tuple[FaceDetector, Stopwatch]:
    """A detector, and the stopwatch of its network."""
    detector = FaceDetector(file, device="cpu")
    watch = Stopwatch(detector._passes.network)
    object.__setattr__(detector._passes, "network", watch)
    return detector, watch


def yunet(file: Path) -> Run:
    """OpenCV's own detector, at the same size of input."""
    detector = cv2.FaceDetectorYN.create(str(file), "", (SIZE, SIZE), CONFIDENCE)

    def run(photograph: str) -> Any:
        image = cv2.imread(photograph)
        ratio = SIZE / max(image.shape[:2])
        image = cv2.resize(image, None, fx=ratio, fy=ratio)
        detector.setInputSize(image.shape[1::-1])
        return detector.detect(image)

    return run


def measure_speed(checkpoint: Path, onnx: Path, yunet_file: Path | None, files: list[Path]) -> dict[str, float]:
    """Median times of a photograph [ms]."""
    detector, watch = watched(onnx)
    by_onnx, by_pt = YOLO(onnx, task="pose"), YOLO(checkpoint)
    runs: dict[str, Run] = {
        "FaceDetector, .onnx": detector,
        "YOLO, .onnx": lambda file: by_onnx(file, conf=CONFIDENCE, verbose=False),
        "YOLO, .pt": lambda file: by_pt(file, conf=CONFIDENCE, verbose=False),
    }
    if yunet_file is not None:
        runs["FaceDetectorYN, YuNet"] = yunet(yunet_file)
    times: dict[str, list[float]] = {name: [] for name in (*runs, "network", "rest")}
    for file in [files[0], *files]:  # the first once more, which does not count
        for name, run in runs.items():
            watch.seconds, begin = 0.0, time.perf_counter()
            run(str(file))
            times[name].append(1e3 * (time.perf_counter() - begin))
            if run is detector:
                times["network"].append(1e3 * watch.seconds)
                times["rest"].append(times[name][-1] - times["network"][-1])
    return {name: statistics.median(values[1:]) for name, values in times.items()}


def measure_starts(checkpoint: Path, onnx: Path, photograph: Path, rounds: int) -> dict[str, float]:
    """Median times from the start of Python to the first face [ms]."""
    times: dict[str, list[float]] = {name: [] for name in STARTS}
    for _ in range(rounds + 1):
        for name, code in STARTS.items():
            begin = time.perf_counter()
            command = [sys.executable, "-c", f"import sys; {code}", str(onnx), str(checkpoint), str(photograph)]
            subprocess.run(command, check=True, capture_output=True)
            times[name].append(1e3 * (time.perf_counter() - begin))
    return {name: statistics.median(values[1:]) for name, values in times.items()}


def main() -> None:
    """Measure, print and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of JPEG photographs")
    parser.add_argument("--data-name", required=True, help="what they are, in words")
    parser.add_argument("--yunet", type=Path, help="YuNet's ONNX file, to compare with OpenCV's FaceDetectorYN")
    parser.add_argument("--photographs", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=7, help="starts of each kind")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--output", type=Path, default=RESULT)
    options = parser.parse_args()
    found = find_images(options.data)
    files = [found[index] for index in np.linspace(0, len(found) - 1, options.photographs).astype(int)]
    figures: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = Path(shutil.copy(REPOSITORY / "weights" / "yolov5n-aesvc-face.pt", folder))
        onnx = Path(YOLO(checkpoint).export(format="onnx", imgsz=SIZE, dynamic=True))
        for num_threads in options.threads:
            cv2.setNumThreads(num_threads)
            with onnx_threads(num_threads):
                YOLO(checkpoint)(files[0], verbose=False)  # Ultralytics sets the threads of torch at its first run
                torch.set_num_threads(num_threads)
                figures[f"end to end, {num_threads} threads"] = measure_speed(checkpoint, onnx, options.yunet, files)
        figures["from the start to the first face"] = measure_starts(checkpoint, onnx, files[0], options.rounds)
    config = {"photographs": options.photographs, "size": SIZE, "confidence": CONFIDENCE, "rounds": options.rounds}
    record = {"provenance": provenance(config, options.data_name, None), "median_ms": figures}
    options.output.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    for what, times in figures.items():
        for name, value in times.items():
            print(f"{what:<34} {name:<22} {value:8.1f} ms")


if __name__ == "__main__":
    main()
