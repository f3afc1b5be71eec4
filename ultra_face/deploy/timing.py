"""Milliseconds of exported networks that take turns, so that a busy moment of the machine hits all alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Inputs = NDArray[np.float32]
Network = Callable[[Inputs], object]

RUNS = 20  # of each network


def open_onnx(file: Path, num_threads: int) -> Network:
    """A network in an ONNX file, on so many threads of the processor."""
    import onnxruntime  # only here: an extra

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = num_threads
    session = onnxruntime.InferenceSession(file.read_bytes(), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda images: session.run(None, {name: images})


def open_openvino(folder: Path, num_threads: int, precision: str | None = None) -> Network:
    """A network in a folder of OpenVINO, on so many threads of the processor.

    Args:
        folder: holds one `.xml` and its `.bin`.
        num_threads: of the processor.
        precision: in which it computes what is no whole number, `f32` or `bf16`; None is what OpenVINO chooses.
    """
    import openvino  # only here: an extra

    (file,) = folder.glob("*.xml")
    settings: dict[str, Any] = {"INFERENCE_NUM_THREADS": num_threads, "PERFORMANCE_HINT": "LATENCY"}
    if precision is not None:
        settings["INFERENCE_PRECISION_HINT"] = precision
    request = openvino.Core().compile_model(file, "CPU", settings).create_infer_request()
    return lambda images: request.infer([images])


def milliseconds(networks: Sequence[Network], images: Inputs, *, runs: int = RUNS) -> list[float]:
    """Median time of each network over inputs (B, 3, H, W); each runs once before, to warm up."""
    taken: list[list[float]] = [[] for _ in networks]
    for run in range(runs + 1):
        for network, times in zip(networks, taken, strict=True):
            begin = time.perf_counter()
            network(images)
            if run:
                times.append(1000 * (time.perf_counter() - begin))
    return [statistics.median(times) for times in taken]


def random_inputs(height: int, width: int) -> Inputs:
    """The same noise (1, 3, H, W) each time; a network takes as long for it as for a photograph."""
    return np.random.default_rng(0).random((1, 3, height, width), np.float32)
