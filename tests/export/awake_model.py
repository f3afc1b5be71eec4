"""Untrained models in which no layer is silent, and all that they predict with each run time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from detecting_model import memorised_batch
from same_faces import SIZE, Export
from torch import Tensor
from ultralytics import YOLO

import ultra_face

MODELS = ("yolov5n-aesvc", "yolov5n-aesvc-fast", "yolov5n-aesvc-free", "yolov5n-aesvc-p2")


def awake_model(name: str) -> Any:
    """A model in evaluation: layer scales are not near zero, running statistics not those of the start."""
    ultra_face.register()
    torch.manual_seed(0)
    network = YOLO(name).model.eval()
    with torch.no_grad():
        for parameter, tensor in [*network.named_parameters(), *network.named_buffers()]:
            if parameter.endswith(("gamma", "running_mean")):
                tensor.normal_(0, 0.2)
            if parameter.endswith("running_var"):
                tensor.uniform_(0.5, 1.5)
    return network


def save_awake_model(name: str, file: Path) -> Path:
    """Save it as a checkpoint."""
    model = YOLO(f"{name}.yaml")
    model.model = awake_model(f"{name}.yaml")
    model.save(file)
    return file


def assert_same_predictions(checkpoint: Path, export: Export) -> YOLO:
    """Export the checkpoint, and compare every prediction for two photographs; gives the exported model."""
    exported = YOLO(YOLO(checkpoint).export(imgsz=SIZE, **export.arguments), task="pose")
    network = YOLO(checkpoint).model.eval()
    for x in memorised_batch()["img"][:2].split(1):
        with torch.no_grad():
            expected = network(x)[0]
        got = run(exported, x, **export.prediction)
        torch.testing.assert_close(got[:, 4:5], expected[:, 4:5], rtol=0, atol=export.score)
        torch.testing.assert_close(got, expected, rtol=0, atol=export.pixels)
    return exported


def run(exported: YOLO, x: Tensor, **prediction: Any) -> Tensor:
    """Predictions (1, 4 + nc + nk, N) of an exported model for the input (1, 3, SIZE, SIZE), by Ultralytics' loader."""
    if exported.predictor is None:
        exported.predict(x, imgsz=SIZE, verbose=False, **prediction)
    y = exported.predictor.model(x)
    return y if isinstance(y, Tensor) else y[0]
