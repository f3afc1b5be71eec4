"""Small face models in every format that is tested, and inputs for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from small_models import photograph, small_model
from ultralytics import YOLO

INPUT_HW = (96, 128)
EXPORTS: dict[str, dict[str, Any]] = {
    "fixed": {"format": "onnx"},
    "batch": {"format": "onnx", "batch": 3},
    "dynamic": {"format": "onnx", "dynamic": True},
    "nms": {"format": "onnx", "nms": True, "conf": 0.4, "iou": 0.5},
    "half": {"format": "onnx", "quantize": 16},
    "openvino": {"format": "openvino"},
    "torchscript": {"format": "torchscript"},
}


def save_small(file: Path, head: str = "AnchorPose", sr: Any = None, **settings: Any) -> Path:
    """A checkpoint of a model whose random weights find something everywhere."""
    model = YOLO("yolov8n-pose.yaml")
    model.model = small_model(head, sr, **settings)
    model.model.task = "pose"  # as Ultralytics' trainer sets it
    model.save(file)
    return file


def inputs(count: int, image_hw: tuple[int, int] = INPUT_HW) -> NDArray[np.float32]:
    """(B, 3, H, W), all different."""
    images: NDArray[np.float32] = photograph(count, *image_hw).numpy()
    return images
