"""Table and plot of long runs, from `results/endurance.json`."""

from __future__ import annotations

from itertools import compress
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt

from benchmarks.long_runs.arms import ARMS
from benchmarks.tables.record import markdown, read_record, source

NAME = "endurance"


def endurance(results: Path) -> str:
    """What changed in each arm after the warm-up, and what many users at once were answered."""
    record = read_record(results, NAME)
    heads = ["run", "images", "memory", "drift", "open files", "threads", "processor time an image", "drift"]
    body = [_row(name, arm) for name, arm in record["arms"].items()]
    together = record["together"]
    users = [
        f"- {together[kind]['users']} {title}: {together[kind]['equal']:,} of {together[kind]['answers']:,} answers "
        "equal those of a single thread to the last bit."
        for kind, title in (("threads", "threads that share a detector"), ("processes", "spawned processes"))
    ]
    rounds = together["threads"]["after a round"]
    grown = ", ".join(f"{after['uss_mb']:.0f} MB" for after in rounds)
    users.append(f"- Memory after each of the {len(rounds)} rounds of threads: {grown}.")
    if missing := [name for name in ARMS if name not in record["arms"]]:
        users.append(f"- Not run: {'; '.join(missing)}.")
    return "\n\n".join([markdown(heads, body), "\n".join(users), source(record, NAME)])


def _row(name: str, arm: dict[str, Any]) -> list[str]:
    return [
        name,
        f"{arm['samples'][-1]['images']:,}",
        f"{arm['memory_mb']:.0f} MB",
        f"{100 * arm['memory_drift']:+.2f} %",
        _span(arm["handles"]),
        _span(arm["threads"]),
        f"{arm['processor_ms']:.1f} ms",
        f"{100 * arm['processor_drift']:+.1f} %",
    ]


def _span(fewest_most: list[int]) -> str:
    fewest, most = fewest_most
    return str(most) if fewest == most else f"{fewest} to {most}"


def save_plot(results: Path, file: Path) -> None:
    """Draw memory and processor time an image against the share of the run that is done, by what counts of it."""
    record = read_record(results, NAME)
    figure, panels = plt.subplots(1, 2, figsize=(13, 4.2), layout="constrained")
    highest = {"uss_mb": 0.0, "processor_ms": 0.0}
    for name, arm in record["arms"].items():
        done = [100 * sample["images"] / arm["samples"][-1]["images"] for sample in arm["samples"]]
        counts = [share >= 100 * arm["warm-up"] for share in done]
        for panel, key in zip(panels, ("uss_mb", "processor_ms"), strict=True):
            values = [sample[key] for sample in arm["samples"]]
            panel.plot(done, values, label=name, linewidth=1)
            highest[key] = max(highest[key], *compress(values, counts))
    titles = ("memory of the process [MB]", "processor time an image [ms]")
    for panel, title, limit in zip(panels, titles, highest.values(), strict=True):
        panel.set(xlabel="share of the images done [%]", ylabel=title, xlim=(0, 100))
        panel.set_ylim(0, 1.2 * limit)
        panel.grid(alpha=0.3)
    panels[0].legend(fontsize=7)
    figure.savefig(file, dpi=110)
    plt.close(figure)
