"""Models trained from random weights in one budget, from results/training-equal-*.json and benchmark-equal.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tables import record as of
from tables.record import markdown, read

NAME = "equal"
MODELS = ("yolov5n-aesvc", "yolov5n-face", "yolov5n-aesvc-free", "yolov5n-aesvc-p2", "yolov8n-pose")


def protocol(results: Path) -> str:
    """The budget, and what was measured."""
    config = _training(results, MODELS[0])["provenance"]["config"]
    budget = (
        f"- Budget: {config['epochs']} epochs at {config['imgsz']} px from random weights, batch {config['batch']}, "
        f"seed {config['seed']}, forward in bfloat16, one thread; the recipe `cfg/train/small-data.yaml` for all."
    )
    return f"{budget}\n{of.protocol(read(results, NAME), NAME)}"


def equal(results: Path) -> str:
    """Accuracy after the budget, a row a model."""
    rows = {row["model"]: row for row in of.in_onnx_runtime(read(results, NAME))}
    body = []
    for model in MODELS:
        row = rows[f"equal-{model}"]
        precisions = of.precisions(row, "all", "from 50 px", "from 30 px", "from 10 px", "0-20 px")
        minutes = f"{_training(results, model)['cpu_s'] / 60:.0f} min"
        body.append([f"`{model}`", *of.cost(row), *precisions, of.landmark_error(row), minutes])
    heads = [
        "model",
        "M",
        "GFLOPs",
        "all",
        ">= 50 px",
        ">= 30 px",
        ">= 10 px",
        "< 20 px",
        "landmarks",
        "processor time",
    ]
    return markdown(heads, body)


def _training(results: Path, model: str) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((results / f"training-equal-{model}.json").read_text(encoding="utf-8"))
    return record
