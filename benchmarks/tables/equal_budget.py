"""Models trained from random weights in one budget, from results/training-equal-*.json and benchmark-equal.json."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.tables import record as of
from benchmarks.tables.record import markdown, read, read_record

NAME = "equal"
RUNS = ("yolov5n-aesvc", "yolov5n-aesvc-time", "yolov5n-face", "yolov8n-pose")


def protocol(results: Path) -> str:
    """The budget, and what was measured."""
    run = _training(results, RUNS[0])["provenance"]
    config = run["config"]
    budget = (
        f"- Budget: {config['imgsz']} px from random weights, batch {config['batch']}, seed {config['seed']}, forward "
        f"in bfloat16, one thread; recipe `cfg/train/small-data.yaml`; {run['data'].partition(';')[0]}."
    )
    return f"{budget}\n{of.protocol(read(results, NAME), NAME)}"


def equal(results: Path) -> str:
    """Accuracy after the budget, a row a run."""
    rows = {row["model"]: row for row in of.in_onnx_runtime(read(results, NAME))}
    body = []
    for run in RUNS:
        row, training = rows[f"equal-{run}"], _training(results, run)
        config = training["provenance"]["config"]
        spent = [str(config["epochs"]), f"{training['cpu_s'] / 60:.0f} min"]
        precisions = of.precisions(row, "all", "from 50 px", "from 30 px", "from 10 px", "0-20 px")
        model = f"`{Path(config['model']).stem}`"
        body.append([model, *of.cost(row), *spent, *precisions, of.landmark_error(row)])
    heads = ["model", "M", "GFLOPs", "epochs", "processor", "all", ">= 50 px", ">= 30 px", ">= 10 px", "< 20 px"]
    return markdown([*heads, "landmarks"], body)


def _training(results: Path, model: str) -> dict[str, Any]:
    return read_record(results, f"training-equal-{model}")
