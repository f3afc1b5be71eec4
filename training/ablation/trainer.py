"""Ultralytics' pose trainer without validation on the way, and what one batch of it takes."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from ultralytics.models.yolo.pose import PoseTrainer

from ultra_face.files.whole import write_file


class BlindTrainer(PoseTrainer):  # type: ignore[misc]
    """Trains to the end and looks at no photograph that the row is measured on: nothing is chosen by them."""

    def validate(self) -> tuple[dict[str, float], None]:
        """Nothing; the last weights are measured when all is done."""
        return {}, None

    def final_eval(self) -> None:
        """Nothing, for the same reason; the checkpoint keeps its optimiser."""


class Meter:
    """Counts optimiser steps and times batches; what it knows lies beside the checkpoint and goes on with it.

    A batch is forward pass, loss, backward pass and step, without loading. On a CPU its time is processor time of all
    threads, so that other programs do not lengthen it; on CUDA it is wall-clock time of the device that has finished.

    Args:
        file: JSON file with `epochs`, `steps`, `batch_ms` (the median of each epoch) and `finished`.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self.seen: dict[str, Any] = {"epochs": 0, "steps": 0, "batch_ms": [], "finished": False}
        if file.exists():
            self.seen |= json.loads(file.read_text(encoding="utf-8"))
        self._batches: list[float] = []

    def attach(self, model: Any) -> None:
        """Listen to the trainer of a `YOLO` model."""
        for event in ("train_start", "train_batch_start", "train_batch_end", "model_save", "train_end"):
            model.add_callback(f"on_{event}", getattr(self, f"_{event}"))

    def _train_start(self, trainer: Any) -> None:
        self._clock = _clock(trainer.device)
        trainer.optimizer.register_step_post_hook(self._step)

    def _step(self, *_: Any) -> None:
        self.seen["steps"] += 1

    def _train_batch_start(self, _: Any) -> None:
        self._started = self._clock()

    def _train_batch_end(self, _: Any) -> None:
        self._batches.append(1e3 * (self._clock() - self._started))

    def _model_save(self, trainer: Any) -> None:
        self.seen["epochs"] = trainer.epoch + 1
        if self._batches:
            self.seen["batch_ms"].append(round(statistics.median(self._batches), 1))
        self._batches.clear()
        self.seen["finished"] = bool(trainer.stop)  # or an end between this and the last event would leave it undone
        self._write()

    def _train_end(self, _: Any) -> None:
        self.seen["finished"] = True
        self._write()

    def _write(self) -> None:
        write_file(self.file, (json.dumps(self.seen) + "\n").encode())


def _clock(device: torch.device) -> Callable[[], float]:
    """Seconds that a device has worked up to now."""
    if device.type != "cuda":
        return time.process_time

    def clock() -> float:
        torch.cuda.synchronize(device)
        return time.perf_counter()

    return clock
