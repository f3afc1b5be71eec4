"""What a trained row can do: boxes and landmarks on labelled photographs, by the project's own evaluation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from ultralytics import YOLO
from ultralytics.utils import TQDM

from benchmarks.side_by_side.photographs import from_data_yaml
from ultra_face.evaluation.accuracy import accuracy
from ultra_face.evaluation.detect_folders import load_image
from ultra_face.evaluation.detect_images import Settings, detect
from ultra_face.evaluation.protocol import evaluate
from ultra_face.formats.result_files import to_rows

IOU_THRESHOLDS = np.arange(0.5, 1.0, 0.05)
"""Overlaps whose average precisions AP50-95 is the mean of, as in COCO."""
CONFIDENCE = 0.01
"""Lowest score that enters a curve of precision and recall."""


def measure(weights: Path, *, data: str, imgsz: int, device: str) -> dict[str, Any]:
    """Find the faces of the validation photographs of a data YAML, suppressed at IoU 0.5 whatever the model.

    Args:
        weights: checkpoint.
        data: data YAML.
        imgsz: side of the input [px].
        device: as Ultralytics names devices.

    Returns:
        `photographs`, `ap50_95` over all faces, and what `accuracy` tells.

    Raises:
        FileNotFoundError, ValueError: images or labels cannot be read.
    """
    photographs = from_data_yaml(Path(data))
    assert photographs.truth is not None
    model, settings = YOLO(weights), Settings(scales=(imgsz,), confidence=CONFIDENCE, device=device)
    found = {
        name: detect(model, load_image(file), settings) for name, file in TQDM(photographs.files.items(), desc="faces")
    }
    rows = {name: to_rows(faces.boxes_xyxy, faces.scores) for name, faces in found.items()}
    precisions = [
        evaluate(photographs.truth, rows, iou_threshold=threshold).subsets()["all"].ap for threshold in IOU_THRESHOLDS
    ]
    return {
        "photographs": len(photographs.files),
        "ap50_95": round(float(np.mean(precisions)), 4),
        **accuracy(photographs, found),
    }
