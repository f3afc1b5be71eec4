"""Add WIDER FACE average precision, landmark errors and the reliability of scores to Ultralytics' validation."""

from __future__ import annotations

from typing import Any

from ultralytics.utils import RANK

from ultra_face.plugin.callbacks.landmarks import WORST, LandmarkObserver, are_wanted
from ultra_face.plugin.callbacks.observers import Observer, attach
from ultra_face.plugin.callbacks.reliability import ReliabilityObserver
from ultra_face.plugin.callbacks.widerface import WiderFaceObserver, ground_truth_of, worst_figures
from ultra_face.plugin.face_model import is_face_model

TASKS = ("detect", "pose")


def check_request(host: Any) -> None:
    """Read what a data YAML asks of us, so that a wrong path or value stops the run before it trains or validates.

    Raises:
        FileNotFoundError, GroundTruthError: see `ground_truth_of`.
        ValueError: see `landmarks.are_wanted`.
    """
    if _is_observed(host):
        ground_truth_of(host.data)
        _has_landmarks(host, model=None)


def observe(validator: Any) -> None:
    """Attach the observers that the model and the data YAML ask for; on `on_val_start`.

    Does nothing for other tasks, and in one of several training processes, which sees a part of the images
    only.
    """
    if not _is_observed(validator):
        return
    truth = ground_truth_of(validator.data)

    def choose(model: Any) -> list[Observer]:
        observers: list[Observer] = [] if truth is None else [WiderFaceObserver(truth)]
        observers += [LandmarkObserver()] if _has_landmarks(validator, model) else []
        return [*observers, ReliabilityObserver()] if is_face_model(model) else observers

    attach(validator, choose, lift_limit=truth is not None)


def announce(trainer: Any) -> None:
    """Give the figures their columns in `results.csv` from the first epoch on; on `on_pretrain_routine_end`."""
    if not _is_observed(trainer):
        return
    truth = ground_truth_of(trainer.data)
    if truth is not None:
        trainer.metrics.update(worst_figures(truth))
    if _has_landmarks(trainer, trainer.model):
        trainer.metrics.update(WORST)


def _is_observed(host: Any) -> bool:
    return host.args.task in TASKS and RANK == -1


def _has_landmarks(host: Any, model: Any) -> bool:
    return host.args.task == "pose" and are_wanted(host.data, face_model=is_face_model(model))
