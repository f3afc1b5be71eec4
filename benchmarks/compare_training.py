"""Train one model on the CPU as `yolo train` would, in bfloat16, and record what the budget bought.

Models are compared by running this for each of them with the same data, budget and seed, at the same time or one after
the other; the outcome does not depend on it, only the wall-clock time does:

    python benchmarks/compare_training.py aesvc cfg/models/yolov5n-aesvc.yaml --data DATA.yaml --data-name "..."
    python benchmarks/compare_training.py stock cfg/models/yolov5n-pose.yaml --data DATA.yaml --data-name "..."

`--recipe` takes training settings such as `cfg/train/small-data.yaml`, `--bad-photographs` adds blur, noise, darkness
and occlusion, `--weights` goes on from a checkpoint. The figures go to `results/training-NAME.json`,
Ultralytics' own folder to `--project`.
"""

from __future__ import annotations

import argparse
import csv
import json
import time
from pathlib import Path
from typing import Any

import torch
import yaml
from ultralytics import YOLO
from ultralytics.utils import YAML

from benchmarks.provenance import provenance
from training.ablation.run import model_file
from training.bad_photographs import bad_photographs
from training.cpu_bfloat16 import on_train_start

RESULTS = Path(__file__).resolve().parent.parent / "results"
FIXED_SETTINGS = {"batch": 16, "workers": 1, "device": "cpu", "amp": False, "cache": "ram", "patience": 0}
CURVE = {
    "box_map50": "metrics/mAP50(B)",
    "box_map50_95": "metrics/mAP50-95(B)",
    "pose_map50": "metrics/mAP50(P)",
    "pose_map50_95": "metrics/mAP50-95(P)",
}


def main() -> None:
    """Train, then write the result file."""
    options = _options()
    model = YOLO(model_file(options.model, dict(options.face_loss), Path(options.project) / "models" / options.name))
    model.add_callback("on_train_start", on_train_start)
    # Ultralytics sets a number of its own when it chooses the device, before this event.
    model.add_callback("on_train_start", lambda _: torch.set_num_threads(options.threads))
    settings = (YAML.load(options.recipe) if options.recipe else {}) | FIXED_SETTINGS
    settings |= {key: getattr(options, key) for key in ("imgsz", "epochs", "seed")} | dict(options.set)
    config = settings | {"model": options.model, "threads": options.threads, "precision": "bfloat16 forward"}
    config |= {"face_loss": dict(options.face_loss)} if options.face_loss else {}
    config |= {"weights": Path(options.weights).name} if options.weights else {}
    config |= {"bad_photographs": True} if options.bad_photographs else {}
    record = provenance(config, options.data_name, options.seed)
    settings |= {"pretrained": options.weights} if options.weights else {}
    settings |= {"augmentations": bad_photographs()} if options.bad_photographs else {}
    started = time.perf_counter(), time.process_time()
    model.train(**settings, data=options.data, project=options.project, name=options.name, exist_ok=True)
    wall, cpu = time.perf_counter() - started[0], time.process_time() - started[1]
    report = {
        "provenance": record,
        "parameters": sum(parameter.numel() for parameter in model.trainer.model.parameters()),
        "wall_s": round(wall),
        "cpu_s": round(cpu),
        **measure(model.trainer.best, data=options.data, imgsz=options.imgsz),
        "curve": _curve(model.trainer.save_dir / "results.csv"),
    }
    file = RESULTS / f"training-{options.name}.json"
    file.write_text(json.dumps(report, indent=1) + "\n")
    print(f"wrote {file}")


def measure(weights: Path, *, data: str, imgsz: int) -> dict[str, dict[str, float]]:
    """Validate a checkpoint: average precisions, and landmark errors as multiples of the face's size."""
    metrics = YOLO(weights).val(data=data, imgsz=imgsz, device="cpu", plots=False)
    landmarks = metrics.landmarks
    return {
        "best": {key: round(float(metrics.results_dict[column]), 5) for key, column in CURVE.items()},
        "landmarks": {
            "nme_box": round(landmarks["box size"]["nme"], 5),
            "nme_eyes": round(landmarks["eye distance"]["nme"], 5),
            "failure_rate_box": round(landmarks["box size"]["failure_rate"], 5),
        },
    }


def _curve(table: Path) -> list[dict[str, float]]:
    """Validation figures after each epoch."""
    with table.open() as lines:
        rows = list(csv.DictReader(lines))
    return [
        {"epoch": int(row["epoch"])} | {key: float(row[column]) for key, column in CURVE.items()}
        for row in rows
        if row.get(CURVE["box_map50"])
    ]


def _setting(text: str) -> tuple[str, Any]:
    key, _, value = text.partition("=")
    return key, yaml.safe_load(value)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", help="name of the run and of its result file")
    parser.add_argument("model", help="model YAML")
    parser.add_argument(
        "--face-loss", nargs="+", type=_setting, default=(), metavar="KEY=NUMBER", help="changes to its face_loss"
    )
    parser.add_argument("--recipe", type=Path, help="YAML of training settings, such as cfg/train/small-data.yaml")
    parser.add_argument("--set", nargs="+", type=_setting, default=(), metavar="KEY=VALUE", help="settings over these")
    parser.add_argument("--bad-photographs", action="store_true", help="blur, noise, darkness, JPEG and occlusion")
    parser.add_argument("--weights", help="checkpoint to go on from")
    parser.add_argument("--data", required=True, help="data YAML with train and val")
    parser.add_argument("--data-name", required=True, help="the data in words, for the record")
    parser.add_argument("--project", default="runs/compare", help="folder of the runs")
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--imgsz", type=int, default=416)
    parser.add_argument("--threads", type=int, default=1, help="threads of torch")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    main()
