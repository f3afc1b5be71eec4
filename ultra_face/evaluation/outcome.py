"""Where the outcome of an evaluation goes: standard output, a JSON file, a picture.

Pictures are precision-recall curves as on the WIDER FACE site, cumulative landmark errors, and what a score means.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ultra_face.evaluation.curve import PrecisionRecall
from ultra_face.evaluation.reliability import ByBand, band_name
from ultra_face.files.whole import replacing, write_file

if TYPE_CHECKING:  # matplotlib is imported when a picture is drawn: every `import ultralytics` would pay for it
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SIDE = 5.0  # inches
_FEWEST = 10
"""Boxes of a bin whose share of right ones is drawn."""


def tell(record: Mapping[str, Any], table: str, json_file: str | None) -> None:
    """Print the table, and write the record to a file; `-` prints the record instead of the table.

    Raises:
        OSError: the file cannot be written; the table has been printed then.
    """
    text = json.dumps(record, indent=2)
    sys.stdout.write(f"{text if json_file == '-' else table}\n")
    if json_file is not None and json_file != "-":
        write_file(Path(json_file), f"{text}\n".encode())


def save_plot(figure: Figure, path: Path) -> None:
    """Write a picture, in the format that its suffix names.

    Raises:
        OSError: the file cannot be written.
        ValueError: Matplotlib does not write this format.
    """
    known, kind = figure.canvas.get_supported_filetypes(), path.suffix[1:].lower()
    if kind not in known:
        raise ValueError(
            f"{path}: expected a picture of a known format, got {path.suffix!r}; known are {', '.join(known)}"
        )
    with replacing(path) as partial:
        figure.savefig(partial, format=kind)


def draw_precision_recall(methods: Mapping[str, Mapping[str, PrecisionRecall]]) -> Figure:
    """One panel a subset with the curves of all methods; the legend ranks them by AP, as `name-0.930`.

    Args:
        methods: for each method, its curve on each subset; all methods have the same subsets.
    """
    from matplotlib.figure import Figure

    subsets = list(next(iter(methods.values())))
    figure = Figure(figsize=(_SIDE * len(subsets), _SIDE), layout="constrained")
    panels = np.atleast_1d(figure.subplots(1, len(subsets)))
    colours = {name: f"C{number % 10}" for number, name in enumerate(methods)}
    for panel, subset in zip(panels, subsets, strict=True):
        ranked = sorted(methods, key=lambda name: -np.nan_to_num(methods[name][subset].ap))
        for name in ranked:
            curve = methods[name][subset]
            drawn = curve.proposals > 0
            panel.plot(
                curve.recall[drawn],
                curve.precision[drawn],
                color=colours[name],
                linewidth=2,
                clip_on=False,
                label=f"{name}-{curve.ap:.3f}",
            )
        _finish(panel, title=subset.capitalize(), x_label="Recall", y_label="Precision", x_limit=1.0)
        panel.legend(loc="lower left")
    return figure


def draw_cumulative_errors(curves: Mapping[str, NDArray[np.float64]], *, limit: float = 0.1) -> Figure:
    """Share of faces whose landmark error is at most x, for x from 0 to `limit`.

    Args:
        curves: for each curve, (n,) errors of single faces, as multiples of the size of the face.
        limit: right end of the axis.

    Raises:
        ValueError: a curve has no face.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_SIDE, _SIDE), layout="constrained")
    panel = figure.subplots()
    for name, errors in curves.items():
        panel.step(*cumulative_steps(errors, limit), where="post", linewidth=2, clip_on=False, label=name)
    _finish(panel, title="Landmarks", x_label="Error / size", y_label="Share of faces", x_limit=limit)
    panel.legend(loc="lower right")
    return figure


def draw_reliability(methods: Mapping[str, ByBand]) -> Figure:
    """A panel a method: the share of right boxes over their mean score, a curve a band of sides; boxes counted below.

    Bins of fewer than ten boxes are counted, and leave a gap in the curve.

    Args:
        methods: for each method, what `reliability` counted; all have the same bands.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_SIDE * len(methods), 1.4 * _SIDE), layout="constrained")
    rows = figure.subplots(2, len(methods), sharex=True, squeeze=False, height_ratios=(3, 1))
    for (name, bands), panel, below in zip(methods.items(), *rows, strict=True):
        panel.plot([0, 1], [0, 1], color="grey", linewidth=1, linestyle="dashed")
        for number, (band, counted) in enumerate(bands.items()):
            is_all = number == len(bands) - 1
            style = {"color": "black", "linewidth": 1} if is_all else {"color": f"C{number}", "linewidth": 2}
            label = f"{band_name(band)}, error {counted.calibration_error:.3f}"
            shares = np.where(counted.counts >= _FEWEST, counted.shares, np.nan)
            panel.plot(counted.mean_scores, shares, marker="o", markersize=4, clip_on=False, label=label, **style)
            below.stairs(counted.counts, counted.edges, **style)
        _finish(panel, title=name, x_label="", y_label="Share of right boxes", x_limit=1.0)
        panel.legend(loc="upper left", title="Side of the box")
        below.set(xlabel="Score", ylabel="Boxes", yscale="symlog", ylim=(0, None))
        below.grid(True)
    return figure


def cumulative_steps(errors: NDArray[np.float64], limit: float) -> tuple[list[float], list[float]]:
    """Corners of the cumulative error curve: (0, 0), each error up to the limit, and the limit itself.

    Raises:
        ValueError: there is no error.
    """
    if not errors.size:
        raise ValueError("expected the landmark error of at least one face, got none: no face was matched")
    inside = np.sort(errors[errors <= limit]).tolist()
    shares = [number / errors.size for number in range(len(inside) + 1)]
    return [0.0, *inside, limit], [*shares, shares[-1]]


def _finish(panel: Axes, *, title: str, x_label: str, y_label: str, x_limit: float) -> None:
    panel.set(title=title, xlabel=x_label, ylabel=y_label, xlim=(0, x_limit), ylim=(0, 1))
    panel.grid(True)
