"""The run times of exported files: how each is exported to, installed, and told its number of threads.

Ultralytics loads the files, with its own number of threads. What it asks for them is answered here instead.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from unittest import mock

from benchmarks.onnx_threads import onnx_threads

SIZE = 640
"""Of the square input [px]."""

Threads = Callable[[int], Any]
"""Gives a context in which a file is loaded to run with so many threads."""


@contextmanager
def opencv_threads(count: int) -> Iterator[None]:
    """OpenCV has one number for all."""
    cv2 = importlib.import_module("cv2")
    cv2.setNumThreads(count)
    yield


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """PyTorch has one number for all, which Ultralytics sets where it loads a model."""
    torch = importlib.import_module("torch")
    yield
    torch.set_num_threads(count)


@contextmanager
def openvino_threads(count: int, precision: str | None = None) -> Iterator[None]:
    """In a stated precision, or in the one that OpenVINO takes by itself."""
    openvino = importlib.import_module("openvino")
    asked = {"INFERENCE_NUM_THREADS": count} | ({"INFERENCE_PRECISION_HINT": precision} if precision else {})

    class Core(openvino.Core):
        def __init__(self) -> None:
            super().__init__()
            self.set_property("CPU", asked)

    with mock.patch.object(openvino, "Core", Core):
        yield


def openvino_float32(count: int) -> Any:
    """Computing as the network was trained."""
    return openvino_threads(count, "f32")


@contextmanager
def ncnn_threads(count: int) -> Iterator[None]:
    """A number for each network."""
    ncnn = importlib.import_module("ncnn")
    make = ncnn.Net

    def net() -> Any:
        made = make()
        made.opt.num_threads = count
        return made

    with mock.patch.object(ncnn, "Net", net):
        yield


@contextmanager
def mnn_threads(count: int) -> Iterator[None]:
    """Ultralytics asks for half of the processors, rounded up."""
    with mock.patch.object(os, "cpu_count", return_value=2 * count):
        yield


@contextmanager
def litert_threads(count: int) -> Iterator[None]:
    """Ultralytics asks for a constant of its own."""
    backend = importlib.import_module("ultralytics.nn.backends.litert")
    with mock.patch.object(backend, "NUM_THREADS", count):
        yield


@contextmanager
def paddle_threads(count: int) -> Iterator[None]:
    """A number for each predictor."""
    inference = importlib.import_module("paddle.inference")
    make = inference.Config

    def config(*files: str) -> Any:
        made = make(*files)
        made.set_cpu_math_library_num_threads(count)
        return made

    with mock.patch.object(inference, "Config", config):
        yield


@contextmanager
def executorch_threads(count: int) -> Iterator[None]:
    """One number for all."""
    importlib.import_module("executorch.extension.pybindings.portable_lib")._unsafe_reset_threadpool(count)
    yield


@contextmanager
def tensorflow_threads(count: int) -> Iterator[None]:
    """One number for all, said before the first operation."""
    threading = importlib.import_module("tensorflow").config.threading
    threading.set_intra_op_parallelism_threads(count)
    threading.set_inter_op_parallelism_threads(1)
    yield


class RunTime(NamedTuple):
    """A format, and what runs its files.

    Attributes:
        arguments: of the export.
        threads: see Threads.
        packages: distributions whose versions tell what ran.
        environment: the one of tools/check_formats that has them; None for the present one.
        extra: what to install in the present one.
        prediction: arguments of predictions.
        left_by_another: the file, where the export before it in the table leaves it, too.
    """

    arguments: dict[str, Any]
    threads: Threads
    packages: tuple[str, ...]
    environment: str | None = None
    extra: str = ""
    prediction: dict[str, Any] = {}  # noqa: RUF012  (nothing changes it)
    left_by_another: str = ""


ONNX = "ONNX in ONNX Runtime"
"""The yardstick: its file runs beside each of the others."""

EXPORT = "ultra-face[export]"
TENSORFLOW = (tensorflow_threads, ("tensorflow", "onnx2tf"), "saved_model")

RUN_TIMES = {
    ONNX: RunTime({"format": "onnx"}, onnx_threads, ("onnxruntime",), extra=EXPORT),
    "ONNX, half": RunTime({"format": "onnx", "quantize": 16}, onnx_threads, ("onnxruntime",), extra=EXPORT),
    "ONNX in OpenCV 5": RunTime(
        {"format": "onnx"}, opencv_threads, ("opencv-python",), extra=EXPORT, prediction={"dnn": True}
    ),
    "ONNX in OpenCV 4.12": RunTime(
        {"format": "onnx"}, opencv_threads, ("opencv-python-headless",), "opencv", prediction={"dnn": True}
    ),
    "OpenVINO, asked for float32": RunTime({"format": "openvino"}, openvino_float32, ("openvino",), extra=EXPORT),
    "OpenVINO as it is": RunTime({"format": "openvino"}, openvino_threads, ("openvino",), extra=EXPORT),
    "TorchScript": RunTime({"format": "torchscript"}, torch_threads, ("torch",)),
    "NCNN": RunTime({"format": "ncnn"}, ncnn_threads, ("ncnn", "pnnx"), "ncnn"),
    "NCNN, half": RunTime({"format": "ncnn", "quantize": 16}, ncnn_threads, ("ncnn", "pnnx"), "ncnn"),
    "MNN": RunTime({"format": "mnn"}, mnn_threads, ("MNN",), "mnn"),
    "LiteRT": RunTime({"format": "litert"}, litert_threads, ("litert-torch", "ai-edge-litert"), "litert"),
    "Paddle": RunTime({"format": "paddle"}, paddle_threads, ("paddlepaddle", "x2paddle"), "paddle"),
    "ExecuTorch": RunTime({"format": "executorch"}, executorch_threads, ("executorch",), "executorch"),
    "TensorFlow GraphDef": RunTime({"format": "pb"}, *TENSORFLOW),
    "TensorFlow SavedModel": RunTime({"format": "saved_model"}, *TENSORFLOW, left_by_another="best_saved_model"),
}

HARDWARE = "needs a device or tools that were not at hand"
NOT_TRIED = {
    "Core ML": "the file runs on macOS alone; tests/export converts and reads it",
    "Core AI": "converts and runs on macOS alone",
    "TensorRT": "needs a graphics card of NVIDIA",
    "Edge TPU, IMX, Hailo": "refused, see below",
    "RKNN, QNN, Axelera, DEEPX, Ascend, Xilinx": HARDWARE,
}
"""Formats of Ultralytics of which nothing is measured, and why."""
