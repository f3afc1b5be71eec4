"""Measure detectors side by side: cost, times step by step, and accuracy where there is ground truth."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.side_by_side.contestant import RUNTIMES, Settings
from benchmarks.side_by_side.photographs import find_photographs
from benchmarks.side_by_side.run import benchmark
from ultra_face.cli.command import command, positive
from ultra_face.cli.detector import input_side
from ultra_face.formats.files import named
from ultra_face.runtimes.ultralytics_model import open_model

ROOT = Path(__file__).resolve().parents[1]


@command("benchmark")
def main() -> None:
    """Read the command line, measure, say where the result file is."""
    add = (parser := argparse.ArgumentParser(description=__doc__)).add_argument
    add("models", nargs="+", help=".pt, .yaml (times alone), or .onnx of another detector")
    add("--data", type=Path, help="data YAML: its validation split is measured")
    add("--images", type=Path, help="instead: a folder of photographs")
    add("--ground-truth", type=Path, help="WIDER FACE ground truth of --images")
    add("--data-name", required=True, help="the photographs in words, for the record")
    add("--name", required=True, help="of the result file, benchmark-NAME.json")
    add("--output", type=Path, default=ROOT / "results", help="its folder (default: results)")
    add("--runtimes", nargs="+", choices=RUNTIMES, default=RUNTIMES, help="of .pt and .yaml (default: both)")
    add("--threads", nargs="+", type=positive, default=[1, 2], help="numbers of threads (default: 1 2)")
    add("--timed", type=positive, default=40, help="photographs to time on (default: 40)")
    add("--imgsz", type=input_side, default=640, help="side of the input [px] (default: 640)")
    choices = vars(parser.parse_args())
    for model in choices["models"]:
        if Path(model).suffix != ".onnx":
            open_model(model)  # what cannot be opened shows before anything is measured
    data, images, ground_truth = (choices.pop(key) for key in ("data", "images", "ground_truth"))
    with named(data or images, "a data YAML as for yolo train", "cfg/datasets/faces-demo.yaml shows one"):
        photographs = find_photographs(data, images, ground_truth)
    print(f"wrote {benchmark(photographs=photographs, settings=Settings(choices.pop('imgsz')), **choices)}")


if __name__ == "__main__":
    main()
