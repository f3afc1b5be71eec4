"""Times of detectors that take turns, photograph by photograph, so that a busy moment of the machine hits all alike."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
from ultralytics.utils import TQDM

from benchmarks.side_by_side.contestant import Contestant, Settings, Stages


def times(contestants: Sequence[Contestant], photographs: Sequence[Path], settings: Settings) -> list[dict[str, float]]:
    """Median milliseconds of each step and of all together, a dictionary a contestant; one photograph warms up.

    An untrained network would report faces everywhere, or nowhere: here it reports none.
    """
    cv2.setNumThreads(settings.num_threads)
    opened = [
        contestant.open(settings if contestant.is_trained else replace(settings, confidence=1.0))
        for contestant in contestants
    ]
    taken: list[list[Stages]] = [[] for _ in contestants]
    files = [photographs[0], *photographs]
    for file in TQDM(files, desc=f"times, {settings.num_threads} threads"):
        for run, own in zip(opened, taken, strict=True):
            own.append(run(file)[1])
    return [medians(own[1:]) for own in taken]


def medians(stages: Sequence[Stages]) -> dict[str, float]:
    """Median of each step over the photographs, and of their sum, `end_to_end` [ms]."""
    steps = {name: [getattr(item, name) for item in stages] for name in Stages._fields}
    steps["end_to_end"] = [sum(item) for item in stages]
    return {name: round(1e3 * statistics.median(values), 2) for name, values in steps.items()}
