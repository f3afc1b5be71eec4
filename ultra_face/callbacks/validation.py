"""Add WIDER FACE average precision and landmark errors to Ultralytics' validation, where the data allow it."""

from __future__ import annotations

from typing import Any

from ultralytics.utils import RANK

from ultra_face.callbacks.landmarks import FIGURES, LandmarkObserver, has_face_landmarks
from ultra_face.callbacks.observers import Observer, attach
from ultra_face.callbacks.widerface import WiderFaceObserver, figure_name, ground_truth_of

TASKS = ("detect", "pose")


def observe(validator: Any) -> None:
    """Attach the observers that the data YAML asks for; on `on_val_start`.

    Does nothing for other tasks, and in one of several training processes, which sees a part of the images
    only.
    """
    task = validator.args.task
    if task not in TASKS or RANK != -1:
        return
    truth = ground_truth_of(validator.data)
    observers: list[Observer] = [] if truth is None else [WiderFaceObserver(truth)]
    if task == "pose" and has_face_landmarks(validator.data):
        observers.append(LandmarkObserver())
    if observers:
        attach(validator, observers, lift_limit=truth is not None)


def announce(trainer: Any) -> None:
    """Give the figures their columns in `results.csv` from the first epoch on; on `on_pretrain_routine_end`.

    Also reads the ground truth, so that a wrong path stops the run before it trains.
    """
    if trainer.args.task not in TASKS or RANK != -1:
        return
    truth = ground_truth_of(trainer.data)
    names = [] if truth is None else [figure_name(subset) for subset in truth.counted]
    if trainer.args.task == "pose" and has_face_landmarks(trainer.data):
        names += FIGURES.values()
    trainer.metrics.update(dict.fromkeys(names, 0))
