"""Accuracy of detectors against the time and against the parameters that they take; long runs against their length."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.ticker import LogLocator

from benchmarks.tables import endurance, reliability
from benchmarks.tables.beside import NAME
from benchmarks.tables.record import in_onnx_runtime, read

OURS = "yolov5"  # names of our models begin so
PANELS = {"from 30 px": "faces from 30 px", "from 10 px": "faces from 10 px", "0-20 px": "faces under 20 px"}


def save_plots(results: Path, folder: Path) -> None:
    """Write `accuracy-time.png` and `accuracy-parameters.png`, of ONNX Runtime, `endurance.png`, `reliability.png`.

    Args:
        results: folder with `benchmark-peers.json`, `endurance.json` and `reliability.json`.
        folder: where to write.
    """
    measured = [row for row in in_onnx_runtime(read(results, NAME)) if row["trained"]]
    folder.mkdir(parents=True, exist_ok=True)
    _plot(
        measured, lambda row: row["ms"]["1"]["end_to_end"], "end to end, one thread [ms]", folder / "accuracy-time.png"
    )
    _plot(measured, lambda row: row["parameters"] / 1e6, "parameters [millions]", folder / "accuracy-parameters.png")
    endurance.save_plot(results, folder / "endurance.png")
    reliability.save_plot(results, folder / "reliability.png")


def _plot(rows: Sequence[dict[str, Any]], cost: Callable[[dict[str, Any]], float], title: str, file: Path) -> None:
    figure, panels = plt.subplots(1, len(PANELS), figsize=(13, 4.2), layout="constrained")
    for panel, (key, name) in zip(panels, PANELS.items(), strict=True):
        for row in rows:
            ours = row["model"].startswith(OURS)
            accuracy = 100 * (row["ap50"].get(key) or row["by_height"].get(key) or 0)
            panel.scatter(cost(row), accuracy, color="tab:red" if ours else "tab:blue", zorder=2)
            panel.annotate(row["model"], (cost(row), accuracy), xytext=(4, 3), textcoords="offset points", fontsize=7)
        panel.set(title=name, xlabel=title, xscale="log")
        panel.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        panel.xaxis.set_major_formatter("{x:g}")
        panel.xaxis.set_minor_formatter("")
        panel.grid(alpha=0.3, which="both")
    panels[0].set_ylabel("AP50 [%]")
    figure.savefig(file, dpi=110)
    plt.close(figure)
