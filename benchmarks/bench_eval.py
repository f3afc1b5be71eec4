"""Speed and memory of the WIDER FACE evaluation against the literal second implementation in the tests.

python benchmarks/bench_eval.py --predictions FOLDER --ground-truth FOLDER --data NAME

Three measurements in one run: reading and evaluating all three subsets, ours against the literal one; time
for 1, 4 and 16 times as many detections; peak memory of the command as a process of its own. Processor time
is what is compared, since both are single-threaded and the machine may have other work.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.provenance import REPOSITORY, provenance
from tests.evaluation import oracle
from ultra_face.evaluation.ground_truth import load_ground_truth
from ultra_face.evaluation.protocol import evaluate
from ultra_face.formats.result_files import read_predictions, write_predictions

REPEATS = 5
FACTORS = (1, 4, 16)
SEED = 0


def main() -> None:
    """Measure and write the result file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--predictions", type=Path, required=True)
    parser.add_argument("--ground-truth", type=Path, required=True)
    parser.add_argument("--data", required=True, help="name of the result set, for the record")
    parser.add_argument("--output", type=Path, default=REPOSITORY / "results" / "eval-speed.json")
    arguments = parser.parse_args()

    ours = [run_ours(arguments.predictions, arguments.ground_truth) for _ in range(REPEATS)]
    literal = run_literal(arguments.predictions, arguments.ground_truth)
    seconds = statistics.median(run["cpu_seconds"] for run in ours)
    record = {
        "provenance": provenance({"repeats": REPEATS, "factors": FACTORS}, arguments.data, SEED),
        "ours": {"median_cpu_seconds": seconds, "runs": ours},
        "literal": literal,
        "times_faster": literal["cpu_seconds"] / seconds,
        "growth": [grown(factor, arguments.predictions, arguments.ground_truth) for factor in FACTORS],
    }
    arguments.output.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    sys.stdout.write(json.dumps({key: record[key] for key in record if key != "provenance"}, indent=2) + "\n")


class Clock:
    """Processor and wall time since it was made."""

    def __init__(self) -> None:
        self.cpu, self.wall = time.process_time(), time.perf_counter()

    def read(self) -> dict:
        """Seconds of both kinds."""
        return {
            "cpu_seconds": time.process_time() - self.cpu,
            "wall_seconds": time.perf_counter() - self.wall,
        }


def run_ours(predictions: Path, ground_truth: Path) -> dict:
    """Read both folders and evaluate all subsets."""
    clock = Clock()
    curves = evaluate(load_ground_truth(ground_truth), read_predictions(predictions)).subsets()
    return {"ap": {subset: 100 * curve.ap for subset, curve in curves.items()}, **clock.read()}


def run_literal(predictions: Path, ground_truth: Path) -> dict:
    """Do the same by the literal implementation."""
    clock = Clock()
    faces, counting = oracle.read_ground_truth(ground_truth)
    found = oracle.read_predictions(predictions)
    ap = {subset: 100 * oracle.average_precision(faces, counting[subset], found) for subset in counting}
    return {"ap": ap, **clock.read()}


def grown(factor: int, predictions: Path, ground_truth: Path) -> dict:
    """Time and peak memory with `factor` jittered copies of every detection."""
    rng = np.random.default_rng(SEED)
    copies = {
        name: np.abs(np.tile(rows, (factor, 1)) * rng.uniform(0.98, 1.02, (factor * len(rows), 5)))
        for name, rows in read_predictions(predictions).items()
    }
    num_detections = sum(map(len, copies.values()))
    with tempfile.TemporaryDirectory() as folder:
        write_predictions(folder, copies)
        del copies
        seconds = statistics.median(run_ours(Path(folder), ground_truth)["cpu_seconds"] for _ in range(3))
        return {
            "factor": factor,
            "num_detections": num_detections,
            "cpu_seconds": seconds,
            "microseconds_per_detection": 1e6 * seconds / num_detections,
            "peak_memory_mb": peak_memory_mb(folder, ground_truth),
        }


# A child starts with the peak of the process that it is forked from, so the tool's parent must be a small one.
SMALL_PARENT = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def peak_memory_mb(predictions: str, ground_truth: Path) -> float:
    """Largest resident memory of `ultra-face evaluate` as a process of its own, interpreter included."""
    tool = REPOSITORY / "tools" / "eval_widerface.py"
    command = [sys.executable, str(tool), "--predictions", predictions, "--ground-truth", str(ground_truth)]
    parent = [sys.executable, "-S", "-c", SMALL_PARENT, *command]
    run = subprocess.run(parent, capture_output=True, text=True, check=True, cwd=REPOSITORY)
    return int(run.stdout) / 1024


if __name__ == "__main__":
    main()
