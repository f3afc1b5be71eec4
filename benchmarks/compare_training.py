"""Train models side by side on the CPU with the same images, seed and budget, and record what the budget bought.

Each model is trained by Ultralytics' own trainer in a process and thread of its own, all at the same time, so that
the machine's noise meets them alike:

    python benchmarks/compare_training.py --data DATA.yaml --data-name "WIDER subset, 549 train, 100 dev" \
        --models aesvc=cfg/models/yolov5n-aesvc.yaml stock=cfg/models/yolov5n-pose.yaml

The curves and figures of every model go to `results/training.json`, Ultralytics' folders to `--project`.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import torch
from cpu_bfloat16 import on_train_start
from provenance import provenance
from ultralytics import YOLO

RESULT = Path(__file__).resolve().parent.parent / "results" / "training.json"
CURVE = {
    "box_map50": "metrics/mAP50(B)",
    "box_map50_95": "metrics/mAP50-95(B)",
    "pose_map50": "metrics/mAP50(P)",
    "pose_map50_95": "metrics/mAP50-95(P)",
}


def main() -> None:
    """Train all models at once, then gather their records; `--only` is how each child process is told its model."""
    options = _options()
    models = dict(item.split("=", 1) for item in options.models)
    if options.only:
        _train(options.only, models[options.only], options)
        return
    children = {name: subprocess.Popen([sys.executable, *sys.argv, "--only", name]) for name in models}
    failed = [name for name, child in children.items() if child.wait() != 0]
    if failed:
        raise SystemExit(f"training of {', '.join(failed)} failed; see the output above")
    records = {name: json.loads(_record_file(name, options).read_text()) for name in models}
    config = {**_settings(options), "models": models, "threads_each": options.threads}
    report = {"provenance": provenance(config, options.data_name, options.seed), "models": records}
    RESULT.write_text(json.dumps(report, indent=1) + "\n")
    print(f"wrote {RESULT}")


def _train(name: str, path: str, options: argparse.Namespace) -> None:
    torch.set_num_threads(options.threads)
    model = YOLO(path)
    model.add_callback("on_train_start", on_train_start)
    started = time.perf_counter(), time.process_time()
    model.train(**_settings(options), data=options.data, project=options.project, name=name, exist_ok=True)
    wall, cpu = time.perf_counter() - started[0], time.process_time() - started[1]
    record = {
        "parameters": sum(parameter.numel() for parameter in model.model.parameters()),
        "wall_s": round(wall),
        "cpu_s": round(cpu),
        "best": {key: round(float(model.trainer.metrics[column]), 5) for key, column in CURVE.items()},
        "landmarks": {
            key: round(float(value), 5) for key, value in model.trainer.metrics.items() if key.startswith("landmarks/")
        },
        "curve": _curve(model.trainer.save_dir / "results.csv"),
    }
    _record_file(name, options).write_text(json.dumps(record))


def _curve(table: Path) -> list[dict[str, float]]:
    """Validation figures after each epoch."""
    with table.open() as lines:
        rows = list(csv.DictReader(lines))
    return [{"epoch": int(row["epoch"])} | {key: float(row[column]) for key, column in CURVE.items()} for row in rows]


def _settings(options: argparse.Namespace) -> dict[str, Any]:
    return {
        "imgsz": options.imgsz,
        "epochs": options.epochs,
        "batch": 16,
        "seed": options.seed,
        "workers": 1,
        "device": "cpu",
        "amp": False,
        "cache": "ram",
        "patience": 0,
    }


def _record_file(name: str, options: argparse.Namespace) -> Path:
    return Path(options.project).resolve() / name / "record.json"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", required=True, metavar="NAME=YAML")
    parser.add_argument("--data", required=True, help="data YAML with train and val")
    parser.add_argument("--data-name", required=True, help="the data in words, for the record")
    parser.add_argument("--project", default="runs/compare", help="folder of the runs")
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--imgsz", type=int, default=416)
    parser.add_argument("--threads", type=int, default=1, help="threads of each training")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
