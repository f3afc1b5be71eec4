"""How many images a second Ultralytics' trainer learns from with a recipe of `cfg/train`, loading included.

Some batches are trained as `yolo train` would, with the photographs of the data YAML's `train:` and the augmentation of
the recipe, and thrown away. The clock runs from the end of one batch to the end of another, after the first ones, in
which libraries choose their kernels and the loader fills its queue. On the CPU the forward pass is in bfloat16.

    python benchmarks/bench_training.py --data DATA.yaml --data-name "..." --device 0 --workers 16

The figures go to `results/training-speed.json`.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from ultralytics import YOLO
from ultralytics.utils import YAML

from benchmarks.provenance import REPOSITORY, provenance
from training.ablation.trainer import BlindTrainer
from training.cpu_bfloat16 import on_train_start
from ultra_face.cli.command import command, positive
from ultra_face.files.whole import write_file

RECIPE = REPOSITORY / "cfg" / "train" / "shipped.yaml"
MODEL = REPOSITORY / "cfg" / "models" / "yolov5n-aesvc.yaml"
RESULT = REPOSITORY / "results" / "training-speed.json"
ENDLESS = {"time": None, "epochs": 10_000, "close_mosaic": 0, "warmup_epochs": 0}
"""The batches end it, and all of them are like those of the greater part of a training."""
UNSEEN = {"val": False, "plots": False}


class Stopwatch:
    """Times the batches of a trainer and stops it after the last one.

    Args:
        skipped: batches before the clock starts.
        timed: batches that count.
    """

    def __init__(self, skipped: int, timed: int) -> None:
        self.skipped, self.timed = skipped, timed
        self._began = self._started = time.perf_counter()
        self._ended: list[float] = []
        self._waited: list[float] = []

    def attach(self, model: Any) -> None:
        """Listen to the trainer of a `YOLO` model."""
        for event in ("train_start", "train_batch_start", "train_batch_end"):
            model.add_callback(f"on_{event}", getattr(self, f"_{event}"))

    def figures(self, batch: int) -> dict[str, float]:
        """Images a second, the share of the time between batches, and seconds until the images were read.

        Between batches the trainer waits for the next images, and writes a checkpoint where an epoch ends.
        """
        seconds = self._ended[-1] - self._ended[self.skipped - 1]
        return {
            "images_per_second": round(batch * self.timed / seconds, 2),
            "waiting_share": round(sum(self._waited[self.skipped :]) / seconds, 3),
            "seconds_before": round(self._started - self._began, 1),
        }

    def _train_start(self, _: Any) -> None:
        self._started = time.perf_counter()

    def _train_batch_start(self, _: Any) -> None:
        self._waited.append(time.perf_counter() - self._ended[-1] if self._ended else 0.0)

    def _train_batch_end(self, trainer: Any) -> None:
        if trainer.device.type == "cuda":
            torch.cuda.synchronize(trainer.device)
        self._ended.append(time.perf_counter())
        trainer.stop = len(self._ended) == self.skipped + self.timed


def measure(model: Path, data: Path, settings: dict[str, Any], stopwatch: Stopwatch) -> dict[str, Any]:
    """Train so many batches, and tell how fast, on what, and with how much of its memory."""
    network = YOLO(model)
    stopwatch.attach(network)
    if settings["device"] == "cpu":
        network.add_callback("on_train_start", on_train_start)
    with tempfile.TemporaryDirectory() as scratch:
        network.train(trainer=BlindTrainer, data=str(data.resolve()), project=scratch, **settings)
    found: dict[str, Any] = stopwatch.figures(settings["batch"])
    device = network.trainer.device
    if device.type == "cuda":
        held = torch.cuda.max_memory_reserved(device)
        found |= {"device": torch.cuda.get_device_name(device), "device_gib": round(held / 2**30, 1)}
    return found


@command("bench_training")
def main() -> None:
    """Measure, print and write the record."""
    options = _options()
    changes = {name: getattr(options, name) for name in ("device", "workers")}
    changes |= {name: value for name in ("batch", "imgsz") if (value := getattr(options, name))}
    settings = YAML.load(options.recipe) | ENDLESS | UNSEEN | changes
    settings["nbs"] = settings["batch"]
    config = {"model": options.model.name, "recipe": options.recipe.name, "settings": settings}
    config |= {"skipped": options.skip, "timed": options.batches, "threads": torch.get_num_threads()}
    record = {"provenance": provenance(config, options.data_name, settings.get("seed", 0))}
    record |= measure(options.model, options.data, settings, Stopwatch(options.skip, options.batches))
    write_file(options.output, (json.dumps(record, indent=1) + "\n").encode())
    print(json.dumps({key: value for key, value in record.items() if key != "provenance"}, indent=1))
    print(f"wrote {options.output}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--data", required=True, type=Path, help="data YAML with train and val")
    add("--data-name", required=True, help="the data in words, for the record")
    add("--model", type=Path, default=MODEL, help="model YAML or checkpoint (default: yolov5n-aesvc.yaml)")
    add("--recipe", type=Path, default=RECIPE, help="YAML of training settings (default: cfg/train/shipped.yaml)")
    add("--device", default="cpu", help="as Ultralytics names devices (default: cpu)")
    add("--workers", type=int, default=8, help="processes that load photographs (default: 8)")
    add("--batch", type=positive, help="images of a batch (default: those of the recipe)")
    add("--imgsz", type=positive, help="side of the input [px] (default: that of the recipe)")
    add("--skip", type=positive, default=10, help="batches before the clock starts (default: 10)")
    add("--batches", type=positive, default=50, help="batches that count (default: 50)")
    add("--output", type=Path, default=RESULT, help="the record")
    return parser.parse_args()


if __name__ == "__main__":
    main()
