"""Run a detector on an image at one or several scales, mirrored too, as evaluations on WIDER FACE do.

Works with any Ultralytics pose or detect model and its exports, through the public `YOLO.predict` alone.
Boxes stay unrounded and in pixels of the original image.
"""

from __future__ import annotations

import importlib.metadata
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ultra_face.faces import MIRRORED_LANDMARKS, Faces
from ultra_face.formats.annotation import NUM_LANDMARKS
from ultra_face.formats.image_files import LETTERBOX_GREY

if TYPE_CHECKING:  # the settings are read by commands that may not need it
    from ultralytics import YOLO

STRIDE = 32
Image = NDArray[np.uint8]


@dataclass(frozen=True)
class Settings:
    """How a detector is run: the part of a protocol that an AP means nothing without.

    Attributes:
        scales: long side of the image [px] of each pass; None leaves the image as it is.
        flip: repeat each pass with the mirrored image.
        confidence: lowest score kept.
        nms_iou: overlap at which the lower of two boxes is dropped, within each pass and over all passes.
        max_det: most detections kept of one image.
        device: where to run, as Ultralytics names devices; None leaves it to Ultralytics.
    """

    scales: Sequence[int | None] = (640,)
    flip: bool = False
    confidence: float = 0.001
    nms_iou: float = 0.5
    max_det: int = 3000
    device: str | None = None


@dataclass(frozen=True)
class Run:
    """A model, the folder of its images, where to write what it finds, and its settings."""

    model: str
    images: Path
    output: Path
    settings: Settings


def describe(settings: Settings) -> dict[str, Any]:
    """Record of the settings for reports."""
    return {
        "scale": ", ".join("original" if scale is None else f"{scale} px" for scale in settings.scales),
        "flip": settings.flip,
        "confidence": settings.confidence,
        "NMS IoU": settings.nms_iou,
        "limit on detections": settings.max_det,
        "ultralytics": importlib.metadata.version("ultralytics"),
    }


def detect(model: YOLO, image: Image, settings: Settings) -> Faces:
    """Run all passes over one image and merge them, best faces first.

    Args:
        model: a pose or detect model, or an export of one.
        image: (H, W, 3) BGR.
        settings: scales, flip and thresholds.

    Returns:
        Faces in double precision; their landmarks are NaN where the model has other ones than five, or none.

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
    import torch
    from torchvision.ops import nms  # type: ignore[import-untyped]

    found = Faces.concatenate(passes)
    boxes, scores = torch.from_numpy(found.boxes_xyxy), torch.from_numpy(found.scores)
    kept: NDArray[np.int64] = nms(boxes, scores, settings.nms_iou).numpy()
    return found[kept[: settings.max_det]]


def run_pass(model: YOLO, image: Image, scale: int | None, mirrored: bool, settings: Settings) -> Faces:
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
    points = np.full((len(boxes), NUM_LANDMARKS, 2), np.nan)
    if result.keypoints is not None and result.keypoints.data.shape[1] == NUM_LANDMARKS:
        points = result.keypoints.data[..., :2].cpu().numpy().astype(np.float64)
    if mirrored:
        boxes[:, [0, 2]] = width - boxes[:, [2, 0]]
        points[..., 0] = width - points[..., 0]
        points = points[:, list(MIRRORED_LANDMARKS)]
    boxes = boxes.clip(0, [width, height, width, height])
    return Faces(boxes, points, scores)


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
