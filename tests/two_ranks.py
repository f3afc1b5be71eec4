"""Ultralytics' training on several devices with two processes on the CPU, and what each of them notes.

Ultralytics asks for GPUs before it starts a process for each. Four things are therefore put right here, and nothing
else: the number of processes, the device and back end (gloo) that they work with, how `DistributedDataParallel` is told
its device, and the device of the last validation. The file of the workers, the command that starts them and all that
they do in training are Ultralytics' own.
"""

from __future__ import annotations

import json
import os
import signal
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch import distributed, nn
from ultralytics.engine import validator
from ultralytics.models.yolo.pose import PoseTrainer
from ultralytics.utils import LOCAL_RANK, RANK
from ultralytics.utils.torch_utils import unwrap_model

RANKS = 2
NOTES, DIES = "TWO_RANKS_NOTES", "TWO_RANKS_DIES"
"""Environment variables: the folder of the notes, and the epoch in which rank 1 is killed."""
DIED = "died"
"""Name of the file that is written then."""
CPU = torch.device("cpu")


class OnCPU(nn.parallel.DistributedDataParallel):
    """Without the numbers of devices, which it refuses on the CPU."""

    def __init__(self, module: nn.Module, *, device_ids: Any, **settings: Any) -> None:
        super().__init__(module, **settings)


class TwoRanks(PoseTrainer):
    """Starts two workers, or is the trainer of one of them."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.world_size, self.ddp = RANKS, LOCAL_RANK == -1

    def _setup_ddp(self) -> None:
        self.device = CPU
        distributed.init_process_group("gloo", timeout=timedelta(seconds=180), rank=RANK, world_size=RANKS)
        nn.parallel.DistributedDataParallel = OnCPU
        backend = validator.AutoBackend
        validator.AutoBackend = lambda *, device, **settings: backend(device=CPU, **settings)
        validator.get_torch_device_backend = lambda _: SimpleNamespace(current_device=lambda: 0)


def note(trainer: Any, event: str) -> None:
    """Append what this rank has to a file of its own."""
    models = {"model": unwrap_model(trainer.model), "ema": trainer.ema.ema}
    line = {
        "event": event,
        "epoch": getattr(trainer, "epoch", None),
        "images": len(trainer.train_loader.dataset),
        "a rank": len(trainer.train_loader.sampler),
        "anchors": {name: model.model[-1].anchor_wh.flatten(1).tolist() for name, model in models.items()},
        "alpha": {name: getattr(getattr(model, "criterion", None), "alpha", None) for name, model in models.items()},
        "weights": sum(parameter.double().sum().item() for parameter in models["model"].parameters()),
    }
    with Path(os.environ[NOTES], f"rank{RANK}.jsonl").open("a") as notes:
        notes.write(json.dumps(line) + "\n")


def before_training(trainer: Any) -> None:
    note(trainer, "before training")


def epoch_start(trainer: Any) -> None:
    note(trainer, "epoch start")


def epoch_end(trainer: Any) -> None:
    note(trainer, "epoch end")


def die(trainer: Any) -> None:
    """Kill rank 1 in the midst of the epoch that the environment names."""
    if RANK == 1 and str(trainer.epoch) == os.environ.get(DIES):
        Path(os.environ[NOTES], DIED).touch()
        os.kill(os.getpid(), signal.SIGKILL)


CALLBACKS = {
    "on_pretrain_routine_end": before_training,
    "on_train_epoch_start": epoch_start,
    "on_train_epoch_end": epoch_end,
    "on_train_batch_end": die,
}
