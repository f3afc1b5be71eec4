"""Pictures: precision-recall curves as on the WIDER FACE site, and cumulative landmark errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ultra_face.eval.curve import PrecisionRecall

_SIDE = 5.0  # inches


def plot_precision_recall(methods: Mapping[str, Mapping[str, PrecisionRecall]], path: str | Path) -> None:
    """One panel a subset with the curves of all methods; the legend ranks them by AP, as `name-0.930`.

    Args:
        methods: for each method, its curve on each subset; all methods have the same subsets.
        path: picture to write; the suffix names the format.
    """
    subsets = list(next(iter(methods.values())))
    figure = Figure(figsize=(_SIDE * len(subsets), _SIDE), layout="constrained")
    panels = np.atleast_1d(figure.subplots(1, len(subsets)))
    colours = {name: f"C{number % 10}" for number, name in enumerate(methods)}
    for panel, subset in zip(panels, subsets, strict=True):
        ranked = sorted(methods, key=lambda name: -np.nan_to_num(methods[name][subset].ap))
        for name in ranked:
            curve = methods[name][subset]
            panel.plot(
                curve.recall,
                curve.precision,
                color=colours[name],
                linewidth=2,
                label=f"{name}-{curve.ap:.3f}",
            )
        _finish(panel, title=subset.capitalize(), x_label="Recall", y_label="Precision", x_limit=1.0)
        panel.legend(loc="lower left")
    figure.savefig(path)


def plot_cumulative_errors(
    methods: Mapping[str, NDArray[np.float64]], path: str | Path, *, normaliser: str, limit: float = 0.1
) -> None:
    """Share of faces whose landmark error is at most x, for x from 0 to `limit`.

    Args:
        methods: for each method, (n,) errors of single faces, as multiples of the normaliser.
        path: picture to write; the suffix names the format.
        normaliser: what errors are divided by, in words.
        limit: right end of the axis.
    """
    figure = Figure(figsize=(_SIDE, _SIDE), layout="constrained")
    panel = figure.subplots()
    for name, errors in methods.items():
        x, share = cumulative_steps(errors)
        panel.step([0.0, *x, limit], [0.0, *share, share[-1]], where="post", linewidth=2, label=name)
    _finish(
        panel, title="Landmarks", x_label=f"Error / {normaliser}", y_label="Share of faces", x_limit=limit
    )
    panel.legend(loc="lower right")
    figure.savefig(path)


def cumulative_steps(errors: NDArray[np.float64]) -> tuple[Sequence[float], Sequence[float]]:
    """Sorted errors and the share of faces at or below each.

    Raises:
        ValueError: there is no error to draw.
    """
    if not errors.size:
        raise ValueError("expected the error of at least one face, got none: no face was matched")
    return np.sort(errors).tolist(), (np.arange(1, errors.size + 1) / errors.size).tolist()


def _finish(panel: Axes, *, title: str, x_label: str, y_label: str, x_limit: float) -> None:
    panel.set(title=title, xlabel=x_label, ylabel=y_label, xlim=(0, x_limit), ylim=(0, 1))
    panel.grid(True)
