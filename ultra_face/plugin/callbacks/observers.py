"""Look over the shoulder of a validator: all its predictions, with their images.

Ultralytics' validation callbacks see neither predictions nor images. While one validation runs, methods of
the one validator object are wrapped; its class and all other objects stay as they are. So do the stock
figures: where the limit on detections is lifted for ours, it is applied after them, to the same sorted list
that non-maximum suppression would have cut. An observer that fails is left out; the validation goes on.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ultra_face.plugin.callbacks.guard import is_left_out, leave_out, say_once

Prediction = dict[str, Any]
"""Tensors `bboxes` (n, 4) xyxy [px of the network's input], `conf` (n,), `cls` (n,), `keypoints` (n, K, D)."""

NO_LIMIT = 30_000  # as many as non-maximum suppression looks at
_WRAPPED = ("init_metrics", "postprocess", "update_metrics", "get_stats", "print_results")


def labelled_boxes(batch: Mapping[str, Any], index: int) -> NDArray[np.float64]:
    """The labelled boxes of one image of a batch: left, top, width, height (n, 4) [px of the network's input]."""
    height, width = batch["img"].shape[2:]
    here = (batch["batch_idx"] == index).view(-1)
    boxes = batch["bboxes"][here].cpu().numpy().astype(np.float64).reshape(-1, 4) * [width, height, width, height]
    boxes[:, :2] -= boxes[:, 2:] / 2
    return np.asarray(boxes, np.float64)


class Observer(Protocol):
    """Collects what it needs from each image of one validation."""

    @property
    def worst(self) -> Mapping[str, float]:
        """The names of the figures, each with its worst value, which stands where there is no figure.

        Who reads the results of a run expects numbers, and the same columns in each epoch.
        """

    def see(self, prediction: Prediction, index: int, batch: dict[str, Any]) -> None:
        """Take one image: its predictions, and the batch that holds it at `index`."""

    def figures(self) -> Mapping[str, float]:
        """Return figures for the results of the validation, by name; NaN where there is none."""

    def tell(self, validator: Any) -> None:
        """Print and save what was found, after the stock table."""


def attach(validator: Any, choose: Callable[[Any], Sequence[Observer]], *, lift_limit: bool) -> None:
    """Let observers see the validation that is about to run.

    Args:
        validator: Ultralytics' detection or pose validator.
        choose: who looks at this model; asked when the validator first shows which model it runs.
        lift_limit: show the observers the detections beyond `max_det` too.
    """
    detach(validator)
    stock_init, stock_postprocess, stock_update, stock_stats, stock_print = (
        getattr(validator, name) for name in _WRAPPED
    )
    observers: list[Observer] = []
    seen: list[Prediction] = []

    def init_metrics(model: Any) -> None:
        stock_init(model)
        observers[:] = choose(model)
        if not observers:
            detach(validator)

    def postprocess(predictions: Any) -> list[Prediction]:
        limit = validator.args.max_det
        validator.args.max_det = NO_LIMIT if lift_limit else limit
        try:
            seen[:] = stock_postprocess(predictions)
        finally:
            validator.args.max_det = limit
        return [{name: values[:limit] for name, values in prediction.items()} for prediction in seen]

    def update_metrics(predictions: list[Prediction], batch: dict[str, Any]) -> None:
        for index, prediction in enumerate(seen):
            each(lambda observer: observer.see(prediction, index, batch))  # noqa: B023  (called at once)
        stock_update(predictions, batch)

    def get_stats() -> dict[str, Any]:
        stats: dict[str, Any] = stock_stats()
        for observer in observers:
            stats.update(observer.worst)
        each(lambda observer: stats.update(_numbers(observer, validator)))
        return stats

    def print_results() -> None:
        stock_print()
        each(lambda observer: observer.tell(validator))
        detach(validator)

    def each(look: Callable[[Observer], None]) -> None:
        for observer in observers:
            name = type(observer).__name__
            if not is_left_out(validator, name):
                try:
                    look(observer)
                except Exception as error:
                    leave_out(validator, name, error)

    for name, wrapper in zip(
        _WRAPPED, (init_metrics, postprocess, update_metrics, get_stats, print_results), strict=True
    ):
        setattr(validator, name, wrapper)


def _numbers(observer: Observer, validator: Any) -> dict[str, float]:
    """The figures that are numbers; says once for which of the others the worst value stands."""
    figures = observer.figures()
    for name, value in figures.items():
        if not math.isfinite(value):
            say_once(
                validator,
                f"{name}: no figure, since no face was there to measure; {observer.worst[name]:g} stands for it",
            )
    return {name: value for name, value in figures.items() if math.isfinite(value)}


def detach(validator: Any) -> None:
    """Give the validator its own methods back; harmless if nothing is attached."""
    for name in _WRAPPED:
        vars(validator).pop(name, None)
