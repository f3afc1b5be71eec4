"""Measure detectors side by side and write one result file."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import cv2
from ultralytics.utils import TQDM

from benchmarks.provenance import provenance
from benchmarks.side_by_side.contestant import Contestant, Settings
from benchmarks.side_by_side.host import host_models
from benchmarks.side_by_side.peer import Peer
from benchmarks.side_by_side.photographs import Photographs
from benchmarks.side_by_side.timing import times
from ultra_face.evaluation.accuracy import accuracy

FOR_ACCURACY = 0.01
"""Lowest score that enters a curve of precision and recall; times are taken at the usual 0.25."""


def benchmark(
    models: Sequence[str],
    photographs: Photographs,
    *,
    name: str,
    data_name: str,
    output: Path,
    runtimes: Sequence[str],
    threads: Sequence[int],
    timed: int,
    settings: Settings,
) -> Path:
    """Measure, print a line a contestant, and write `benchmark-NAME.json`.

    Args:
        models: checkpoints, model YAMLs and ONNX files of `peers/table.py`, by path or name.
        photographs: what to run on.
        name: of the result file.
        data_name: the photographs in words, for the record.
        output: folder to write to.
        runtimes: in which Ultralytics' models run.
        threads: numbers of threads to time with, one after the other.
        timed: photographs to time on.
        settings: input size and suppression; threads and confidence are set here.

    Returns:
        The result file.

    Raises:
        FileNotFoundError, ValueError: a model or the photographs cannot be read.
    """
    config = {**asdict(settings), "threads": list(threads), "timed photographs": timed, "accuracy from": FOR_ACCURACY}
    config = {key: value for key, value in config.items() if key != "num_threads"}
    record = provenance(config, data_name, None)
    with tempfile.TemporaryDirectory() as folder:
        contestants = gather(models, Path(folder), size=settings.size, runtimes=runtimes)
        measured = [_described(contestant) for contestant in contestants]
        for count in threads:
            taken = times(contestants, photographs.sample(timed), replace(settings, num_threads=count))
            for row, medians in zip(measured, taken, strict=True):
                row["ms"][str(count)] = medians
        if photographs.truth is not None:
            for row, contestant in zip(measured, contestants, strict=True):
                if contestant.is_trained:
                    row |= _accuracy(contestant, photographs, settings)
                print(line(row, str(threads[0])))
    output.mkdir(parents=True, exist_ok=True)
    file = output / f"benchmark-{name}.json"
    file.write_text(
        json.dumps({"provenance": record, "photographs": len(photographs.files), "rows": measured}, indent=1) + "\n",
        encoding="utf-8",
    )
    return file


def gather(models: Sequence[str], folder: Path, *, size: int, runtimes: Sequence[str]) -> list[Contestant]:
    """All contestants; files that are made on the way go to a folder."""
    contestants: list[Contestant] = []
    for model in models:
        if Path(model).suffix == ".onnx":
            contestants.append(Peer(Path(model)))
        else:
            contestants.extend(host_models(model, folder, size=size, runtimes=runtimes))
    return contestants


def line(row: dict[str, Any], threads: str) -> str:
    """One contestant in words."""
    found = "  ".join(f"{subset} {100 * (ap or 0):.1f}" for subset, ap in row.get("ap50", {}).items())
    time = f"{row['ms'][threads]['end_to_end']:.0f} ms" if threads in row["ms"] else ""
    return f"{row['model']:28s} {row['runtime']:14s} {row['parameters'] / 1e6:7.3f} M  {time:>8s}  {found}"


def _described(contestant: Contestant) -> dict[str, Any]:
    cost = contestant.cost
    return {
        "model": contestant.name,
        "runtime": contestant.runtime,
        "trained": contestant.is_trained,
        "parameters": cost.parameters,
        "gflops": round(cost.gflops, 2),
        "megabytes": round(cost.megabytes, 2),
        "ms": {},
    }


def _accuracy(contestant: Contestant, photographs: Photographs, settings: Settings) -> dict[str, Any]:
    cores = os.cpu_count() or 1
    cv2.setNumThreads(cores)
    run = contestant.open(replace(settings, num_threads=cores, confidence=FOR_ACCURACY))
    progress = TQDM(photographs.files.items(), desc=f"{contestant.name}, {contestant.runtime}")
    return accuracy(photographs, {name: run(file)[0] for name, file in progress})
