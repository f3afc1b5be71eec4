"""One row with one seed: trained, gone on with where it was interrupted, measured and recorded."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from ultralytics import YOLO
from ultralytics.nn.tasks import yaml_model_load
from ultralytics.utils import YAML
from ultralytics.utils.torch_utils import get_flops, get_num_params

from benchmarks.provenance import provenance
from training.ablation.measure import measure
from training.ablation.rows import Description, Row
from training.ablation.trainer import BlindTrainer, Meter
from training.cpu_bfloat16 import on_train_start
from ultra_face.files.whole import write_file

RECIPE = Path(__file__).resolve().parents[2] / "cfg" / "train" / "small-data.yaml"
FIXED_SETTINGS = {"cache": "ram", "patience": 0, "val": False, "plots": False}
FLOPS_SIZE = 640  # px at which operations are counted, as in all tables


@dataclass(frozen=True)
class Budget:
    """What every row gets.

    Attributes:
        epochs: passes over the photographs.
        hours: wall-clock time of a training instead, or None.
        imgsz: side of the input [px].
        device: as Ultralytics names devices.
        threads: of torch on the CPU.
        workers: processes that load photographs; 0 loads them in that of the training.
    """

    epochs: int = 100
    hours: float | None = None
    imgsz: int = 320
    device: str = "cpu"
    threads: int = 1
    workers: int = 0

    def settings(self) -> dict[str, Any]:
        """Ultralytics' settings; mixed precision is its own on CUDA and `cpu_bfloat16` on the CPU."""
        return {
            "epochs": self.epochs,
            "time": self.hours,
            "imgsz": self.imgsz,
            "device": self.device,
            "workers": self.workers,
            "amp": self.device != "cpu",
        }


def record(name: str, row: Row, seed: int, *, data: str, data_name: str, budget: Budget, runs: Path) -> dict[str, Any]:
    """Train a row unless that is done, and measure it.

    Args:
        name: of the row.
        row: the row.
        seed: of all that is random.
        data: data YAML with train and val.
        data_name: the data in words.
        budget: what it gets.
        runs: folder of all runs; this one's is `NAME-SEED`, with the checkpoint and what is known of the way there.

    Raises:
        FileExistsError: the folder holds a training that began with other settings.
        FileNotFoundError, ValueError: data or model cannot be read.
    """
    settings = YAML.load(RECIPE) | FIXED_SETTINGS | budget.settings() | {"seed": seed} | dict(row.recipe)
    config = {"row": name, "model": row.model, "face_loss": dict(row.face_loss), "recipe": dict(row.recipe)}
    config |= {"layers": row.layers.__name__} if row.layers else {}
    config |= {"data": dict(row.data)} if row.data else {}
    precision = "bfloat16 forward" if budget.device == "cpu" else "as Ultralytics' amp"
    config |= {"settings": settings, "threads": budget.threads, "precision": precision}
    folder = runs / f"{name}-{seed}"
    begun = _begin(folder / "begun.json", provenance(config, data_name, seed))
    meter = Meter(folder / "meter.json")
    if not meter.seen["finished"]:
        _train(row, settings, meter, data=data, folder=folder, threads=budget.threads)
    last = folder / "weights" / "last.pt"
    network = YOLO(last).model
    return {
        "provenance": begun,
        "parameters": get_num_params(network),
        "gflops": round(get_flops(network, FLOPS_SIZE), 2),
        "epochs": meter.seen["epochs"],
        "steps": meter.seen["steps"],
        "batch_ms": round(statistics.median(meter.seen["batch_ms"]), 1),
        **measure(last, data=data, imgsz=budget.imgsz, device=budget.device),
    }


def model_file(
    model: str,
    face_loss: Mapping[str, Any],
    folder: Path,
    layers: Callable[[Description], Description] | None = None,
) -> str:
    """A model YAML as it is, or a copy in a folder with changes of its `face_loss:` and its layers.

    Raises:
        FileNotFoundError: no such model.
    """
    if not face_loss and layers is None:
        return model
    description = yaml_model_load(model)
    if face_loss:
        description["face_loss"] = {**description.get("face_loss", {}), **face_loss}
    if layers is not None:
        description = layers(description)
    copy = folder / Path(model).name  # the name tells Ultralytics the scale
    write_file(copy, json.dumps(description).encode())  # JSON is YAML
    return str(copy)


def data_file(data: str, settings: Mapping[str, Any], folder: Path) -> str:
    """A data YAML as it is, or a copy in a folder with further settings.

    Raises:
        FileNotFoundError: no such file.
    """
    if not settings:
        return str(Path(data).resolve())
    description = YAML.load(data)
    root = Path(data).resolve().parent
    description["path"] = str(root / description.get("path", ""))
    copy = folder / "data.yaml"
    write_file(copy, json.dumps({**description, **settings}).encode())  # JSON is YAML
    return str(copy.resolve())


def _begin(file: Path, record: dict[str, Any]) -> dict[str, Any]:
    """The record of the run that began this training: this one, or one with the same settings that was interrupted."""
    if file.exists():
        begun: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        asked = json.loads(json.dumps(record["config"]))
        if begun["config"] != asked or begun["data"] != record["data"]:
            raise FileExistsError(
                f"{file.parent}: expected a training with {asked}, got one begun with {begun['config']}; choose "
                "another folder by --runs, or delete this one"
            )
        return begun
    write_file(file, json.dumps(record).encode())
    return record


def _train(row: Row, settings: dict[str, Any], meter: Meter, *, data: str, folder: Path, threads: int) -> None:
    last = folder / "weights" / "last.pt"
    goes_on = last.exists() and meter.seen["epochs"] > 0
    model = YOLO(last if goes_on else model_file(f"{row.model}.yaml", row.face_loss, folder, row.layers))
    if settings["device"] == "cpu":
        model.add_callback("on_train_start", on_train_start)
        # Ultralytics sets a number of its own when it chooses the device, before this event.
        model.add_callback("on_train_start", lambda _: torch.set_num_threads(threads))
    meter.attach(model)
    place = {"project": str(folder.parent.resolve()), "name": folder.name, "exist_ok": True}
    data = data_file(data, row.data, folder)
    model.train(trainer=BlindTrainer, data=data, resume=goes_on, **settings, **place)
