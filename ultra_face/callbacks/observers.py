"""Look over the shoulder of a validator: all its predictions, with their images.

Ultralytics' validation callbacks see neither predictions nor images. While one validation runs, methods of
the one validator object are wrapped; its class and all other objects stay as they are. So do the stock
figures: where the limit on detections is lifted for ours, it is applied after them, to the same sorted list
that non-maximum suppression would have cut.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

Prediction = dict[str, Any]
"""Tensors `bboxes` (n, 4) xyxy [px of the network's input], `conf` (n,), `cls` (n,), `keypoints` (n, K, D)."""

NO_LIMIT = 30_000  # as many as non-maximum suppression looks at
_WRAPPED = ("postprocess", "update_metrics", "get_stats", "print_results")


class Observer(Protocol):
    """Collects what it needs from each image of one validation."""

    def see(self, prediction: Prediction, index: int, batch: dict[str, Any]) -> None:
        """Take one image: its predictions, and the batch that holds it at `index`."""

    def figures(self) -> dict[str, float]:
        """Return figures for the results of the validation, by name."""

    def tell(self, validator: Any) -> None:
        """Print and save what was found, after the stock table."""


def attach(validator: Any, observers: Sequence[Observer], *, lift_limit: bool) -> None:
    """Let observers see the validation that is about to run.

    Args:
        validator: Ultralytics' detection or pose validator.
        observers: who looks.
        lift_limit: show the observers the detections beyond `max_det` too.
    """
    detach(validator)
    stock_postprocess, stock_update, stock_stats, stock_print = (getattr(validator, name) for name in _WRAPPED)
    seen: list[Prediction] = []

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
            for observer in observers:
                observer.see(prediction, index, batch)
        stock_update(predictions, batch)

    def get_stats() -> dict[str, Any]:
        stats: dict[str, Any] = stock_stats()
        for observer in observers:
            stats.update(observer.figures())
        return stats

    def print_results() -> None:
        stock_print()
        for observer in observers:
            observer.tell(validator)
        detach(validator)

    for name, wrapper in zip(_WRAPPED, (postprocess, update_metrics, get_stats, print_results), strict=True):
        setattr(validator, name, wrapper)


def detach(validator: Any) -> None:
    """Give the validator its own methods back; harmless if nothing is attached."""
    for name in _WRAPPED:
        vars(validator).pop(name, None)
