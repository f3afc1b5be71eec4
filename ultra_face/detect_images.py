"""Run a detector on an image at one or several scales, mirrored too, as evaluations on WIDER FACE do.

Works with any Ultralytics pose or detect model and its exports, through the public `YOLO.predict` alone.
Boxes stay unrounded and in pixels of the original image.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torchvision.ops import nms  # type: ignore[import-untyped]
from ultralytics import YOLO

from ultra_face.detection_settings import STRIDE, Settings
from ultra_face.tta import LETTERBOX_GREY, MIRRORED_LANDMARKS

Image = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Detections:
    """What was found in one image, best first.

    Attributes:
        boxes_xyxy: (n, 4) [px of the original image].
        scores: (n,).
        landmarks: (n, K, 2) [px of the original image]; K is 0 without landmarks.
    """

    boxes_xyxy: NDArray[np.float64]
    scores: NDArray[np.float64]
    landmarks: NDArray[np.float64]


def detect(model: YOLO, image: Image, settings: Settings) -> Detections:
    """Run all passes over one image and merge them.

    Args:
        model: a pose or detect model, or an export of one.
        image: (H, W, 3) BGR.
        settings: scales, flip and thresholds.

    Raises:
        ValueError: an exported model that takes one size was asked for another.
    """
    passes = [
        run_pass(model, image, scale, mirrored, settings)
        for scale in settings.scales
        for mirrored in ((False, True) if settings.flip else (False,))
    ]
    if len(passes) == 1:
        return passes[0]
    boxes = np.concatenate([part.boxes_xyxy for part in passes])
    scores = np.concatenate([part.scores for part in passes])
    landmarks = np.concatenate([part.landmarks for part in passes])
    kept = nms(torch.from_numpy(boxes), torch.from_numpy(scores), settings.nms_iou).numpy()[: settings.max_det]
    return Detections(boxes[kept], scores[kept], landmarks[kept])


def run_pass(model: YOLO, image: Image, scale: int | None, mirrored: bool, settings: Settings) -> Detections:
    """Run the model once on an image, scaled and perhaps mirrored; classes are not told apart."""
    height, width = image.shape[:2]
    view = np.ascontiguousarray(image[:, ::-1]) if mirrored else image
    size: int | list[int]
    if scale is None:
        view = _pad(view, _stride(model))
        size = list(view.shape[:2])
    else:
        size = scale
    (result,) = model.predict(
        view,
        imgsz=size,
        conf=settings.confidence,
        iou=settings.nms_iou,
        max_det=settings.max_det,
        agnostic_nms=True,
        device=settings.device,
        verbose=False,
    )
    _check_size(model, size)
    boxes = result.boxes.xyxy.cpu().numpy().astype(np.float64)
    scores = result.boxes.conf.cpu().numpy().astype(np.float64)
    points = np.zeros((len(boxes), 0, 2))
    if result.keypoints is not None:
        points = result.keypoints.data[..., :2].cpu().numpy().astype(np.float64)
    if mirrored:
        boxes[:, [0, 2]] = width - boxes[:, [2, 0]]
        points[..., 0] = width - points[..., 0]
        if points.shape[1] == len(MIRRORED_LANDMARKS):
            points = points[:, list(MIRRORED_LANDMARKS)]
    boxes = boxes.clip(0, [width, height, width, height])
    return Detections(boxes, scores, points)


def _pad(image: Image, stride: int) -> Image:
    """Extend an image to the right and below, so that the network takes it without resizing."""
    height, width = image.shape[:2]
    below, right = math.ceil(height / stride) * stride - height, math.ceil(width / stride) * stride - width
    return np.pad(image, ((0, below), (0, right), (0, 0)), constant_values=LETTERBOX_GREY)


def _stride(model: YOLO) -> int:
    return int(max(getattr(model.model, "stride", [STRIDE])))


def _check_size(model: YOLO, asked: int | list[int]) -> None:
    wanted = [asked, asked] if isinstance(asked, int) else asked
    taken = list(model.predictor.imgsz)
    if taken != wanted:
        raise ValueError(
            f"{model.model_name}: asked for {wanted[1]} x {wanted[0]} px, but it runs at {taken[1]} x {taken[0]} px; "
            "choose that scale, or export the model with dynamic=True"
        )
