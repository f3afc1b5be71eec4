"""Many users of a detector at once: threads that share one, and spawned processes that each open their own."""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.long_runs.arms import SIZES_INPUT
from benchmarks.long_runs.samples import memory_mb, num_threads, open_handles
from ultra_face import FaceDetector, Faces

Images = Sequence[NDArray[np.uint8]]


def in_threads(model: Path, images: Images, *, threads: int, rounds: int) -> dict[str, Any]:
    """Let threads share one detector, each of which goes through the images from another one on.

    Returns:
        `answers`, and how many were `equal` to those of one thread to the last bit; memory, threads and handles of the
        process after each round, in which new threads take over.
    """
    detector = FaceDetector(model, imgsz=SIZES_INPUT)
    alone = [detector(image) for image in images]

    def go_through(first: int) -> int:
        order = [(first + step) % len(images) for step in range(len(images))]
        return sum(same(detector(images[index]), alone[index]) for index in order)

    equal, after = 0, []
    for _ in range(rounds):
        with ThreadPoolExecutor(threads) as pool:
            equal += sum(pool.map(go_through, range(threads)))
        after.append({"uss_mb": memory_mb()[0], "threads": num_threads(), "handles": open_handles()})
    return {"users": threads, "answers": rounds * threads * len(images), "equal": equal, "after a round": after}


def in_processes(model: Path, images: Images, *, processes: int) -> dict[str, Any]:
    """Let new interpreters (`spawn`) go through the images, each with a detector of its own.

    Returns:
        `answers`, and how many were `equal` to those of this process to the last bit.
    """
    detector = FaceDetector(model, imgsz=SIZES_INPUT)
    alone = [detector(image) for image in images]
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        answers = list(pool.map(_go_through, [model] * processes, [images] * processes))
    equal = sum(same(*pair) for answer in answers for pair in zip(answer, alone, strict=True))
    return {"users": processes, "answers": processes * len(images), "equal": equal}


def _go_through(model: Path, images: Images) -> list[Faces]:
    detector = FaceDetector(model, imgsz=SIZES_INPUT)
    return [detector(image) for image in images]


def same(one: Faces, other: Faces) -> bool:
    """Whether two answers are equal to the last bit."""
    names = ("boxes_xyxy", "landmarks", "scores")
    return all(np.array_equal(getattr(one, name), getattr(other, name), equal_nan=True) for name in names)
