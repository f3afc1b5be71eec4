"""What a trained row can do: boxes and landmarks on labelled photographs, by the project's own evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from ultralytics import YOLO
from ultralytics.utils import TQDM

from benchmarks.side_by_side.photographs import from_data_yaml
from ultra_face.evaluation.accuracy import accuracy
from ultra_face.evaluation.detect_folders import load_image
from ultra_face.evaluation.detect_images import Settings, detect
from ultra_face.evaluation.matching import pair_faces
from ultra_face.evaluation.photographs import Photographs
from ultra_face.evaluation.protocol import evaluate
from ultra_face.faces import Faces
from ultra_face.formats.result_files import to_rows

IOU_THRESHOLDS = np.arange(0.5, 1.0, 0.05)
"""Overlaps whose average precisions AP50-95 is the mean of, as in COCO."""
CONFIDENCE = 0.01
"""Lowest score that enters a curve of precision and recall."""
PROFILE_FROM, PROFILE_SCORE = 35.0, 0.25
"""Yaw [degrees] from which a face counts as a profile, and the score at which it must be found."""


def measure(weights: Path, *, data: str, imgsz: int, device: str) -> dict[str, Any]:
    """Find the faces of the validation photographs of a data YAML, suppressed at IoU 0.5 whatever the model.

    Args:
        weights: checkpoint.
        data: data YAML.
        imgsz: side of the input [px].
        device: as Ultralytics names devices.

    Returns:
        `photographs`, `ap50_95` over all faces, `profiles`, see `profiles`, and what `accuracy` tells.

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
        "profiles": profiles(photographs, found),
        **accuracy(photographs, found),
    }


def profiles(photographs: Photographs, found: Mapping[str, Faces]) -> dict[str, float]:
    """Faces whose landmarks tell a yaw of `PROFILE_FROM` or more, and how many of them are found at `PROFILE_SCORE`."""
    faces = hits = 0
    for name, labels in photographs.landmarks.items():
        whole = (labels.landmarks[..., 2] > 0).all(axis=1)
        boxes = labels.boxes_xywh[whole]
        corners = np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)
        yaw = Faces(corners, labels.landmarks[whole][..., :2], np.ones(len(boxes))).pose()[:, 0]
        is_profile = np.flatnonzero(whole)[np.abs(yaw) >= PROFILE_FROM]
        sure = found[name][found[name].scores >= PROFILE_SCORE]
        pairs = pair_faces(sure.boxes_xywh, sure.scores, labels.boxes_xywh)
        faces, hits = faces + len(is_profile), hits + int(np.isin(is_profile, pairs[:, 1]).sum())
    return {"faces": faces, "found": hits, "from_degrees": PROFILE_FROM, "at_score": PROFILE_SCORE}
