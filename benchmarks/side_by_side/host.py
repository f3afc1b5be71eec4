"""Models of Ultralytics, ours among them, as `yolo predict` runs them: checkpoints, model YAMLs and ONNX exports."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ultralytics import YOLO
from ultralytics.nn.tasks import PoseModel

from benchmarks.onnx_threads import onnx_threads
from benchmarks.peers import cost as peer_cost
from benchmarks.side_by_side.contestant import PYTORCH, Contestant, Cost, OpenContestant, Settings, Stages
from ultra_face.faces import Faces


class HostModel(Contestant):
    """A pose model in one of two runtimes.

    Args:
        name: as tables show it.
        checkpoint: its `.pt` file.
        export: its ONNX file.
        runtime: PyTorch, or ONNX Runtime.
        is_trained: whether the weights were trained.
        size: side of the input [px], for the operations.
    """

    def __init__(self, name: str, checkpoint: Path, export: Path, *, runtime: str, is_trained: bool, size: int) -> None:
        self.name, self.runtime, self.is_trained = name, runtime, is_trained
        self.file = checkpoint if runtime == PYTORCH else export
        model = YOLO(checkpoint)
        self.task = model.task
        parameters = sum(parameter.numel() for parameter in model.model.parameters())
        gflops = peer_cost.cost(export, (size, size)).gflops
        self.cost = Cost(parameters, gflops, self.file.stat().st_size / 1e6)

    def open(self, settings: Settings) -> OpenContestant:
        """Load it and set its threads."""
        with onnx_threads(settings.num_threads):
            return _OpenHostModel(self.file, self.task, settings)


class _OpenHostModel(OpenContestant):
    def __init__(self, file: Path, task: str, settings: Settings) -> None:
        model = YOLO(file, task=task)
        blank = np.zeros((settings.size, settings.size, 3), np.uint8)
        given = {} if settings.nms_iou is None else {"iou": settings.nms_iou}
        model.predict(
            blank,
            imgsz=settings.size,
            rect=False,
            conf=settings.confidence,
            max_det=settings.max_det,
            device="cpu",
            verbose=False,
            **given,
        )
        self.predictor, self.num_threads = model.predictor, settings.num_threads

    def __call__(self, photograph: Path) -> tuple[Faces, Stages]:
        torch.set_num_threads(self.num_threads)
        started = time.perf_counter()
        (result,) = self.predictor(photograph)
        whole = time.perf_counter() - started
        spent = [result.speed[step] / 1e3 for step in ("preprocess", "inference", "postprocess")]
        return _faces(result), Stages(whole - sum(spent), *spent)


def host_models(model: str, folder: Path, *, size: int, runtimes: Sequence[str]) -> list[HostModel]:
    """A checkpoint or a model YAML as contestants, one a runtime; its export is written to a folder.

    Args:
        model: file or name of a `.pt` or `.yaml`; a YAML gives random weights, which serve for times alone.
        folder: for the files that are made on the way.
        size: side of the input [px].
        runtimes: of PyTorch and ONNX Runtime.

    Raises:
        FileNotFoundError: no such model.
    """
    name, is_trained = Path(model).stem, Path(model).suffix == ".pt"
    checkpoint = folder / f"{name}.pt"
    if is_trained:
        shutil.copy(YOLO(model).ckpt_path, checkpoint)
    else:
        untrained = YOLO(model, task="pose")
        network = PoseModel(untrained.model.yaml, nc=1, data_kpt_shape=(5, 3), verbose=False)
        network.task, network.names, network.kpt_shape = "pose", {0: "face"}, [5, 3]  # as a training sets them
        untrained.model = network
        untrained.save(checkpoint)
    export = Path(YOLO(checkpoint).export(format="onnx", imgsz=size, verbose=False))
    return [
        HostModel(name, checkpoint, export, runtime=runtime, is_trained=is_trained, size=size) for runtime in runtimes
    ]


def _faces(result: Any) -> Faces:
    if result.keypoints is not None:
        return Faces.from_result(result)
    boxes = result.boxes.cpu().numpy()
    return Faces(boxes.xyxy, np.full((len(boxes), 5, 2), np.nan, np.float32), boxes.conf)
