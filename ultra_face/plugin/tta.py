"""Test-time augmentation for landmark models: scales and a mirror image, merged by the host's own NMS.

Ultralytics does this for boxes only and falls back to one scale for pose models. Deviation from its box
version: boxes and landmarks are scaled back by the size that the image really got, not by the ratio that was
asked for, and no level is cut from any pass, since faces of all sizes occur in one image.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812  (the field's name for it)
from torch import Tensor

from ultra_face.faces import MIRRORED_LANDMARKS
from ultra_face.formats.image_files import LETTERBOX_GREY

PASSES = ((1.0, False), (1.25, True), (0.67, False))
"""Scale and mirroring of each pass."""


def predict_augmented(model: Any, x: Tensor) -> tuple[Tensor, Any]:
    """Run all passes and put their predictions side by side.

    Args:
        model: a pose model in evaluation whose head predicts (B, 4 + nc + K x D, N), before NMS.
        x: images (B, C, H, W).

    Returns:
        Predictions (B, 4 + nc + K x D, sum of N) in pixels of `x`, and what the model gave beside them for `x` itself,
        the first pass; None if that was nothing. Mirrored passes are left out where the number of landmarks is not
        five, since which of them are pairs is unknown then.
    """
    num_landmarks, num_values = model.model[-1].kpt_shape
    stride = int(model.stride.max())
    predictions: list[Tensor] = []
    outputs: list[Any] = []
    for scale, mirrored in PASSES:
        if mirrored and num_landmarks != len(MIRRORED_LANDMARKS):
            continue
        image, ratio = rescale(x.flip(-1) if mirrored else x, scale, stride=stride)
        prediction, *others = model.predict(image)
        outputs += others
        points = (num_landmarks, num_values)
        predictions.append(restore(prediction, points, ratio=ratio, mirrored_width=x.shape[-1] if mirrored else None))
    return torch.cat(predictions, dim=-1), outputs[0] if outputs else None


def rescale(x: Tensor, scale: float, *, stride: int) -> tuple[Tensor, tuple[float, float]]:
    """Resize images and pad them, right and below, to a multiple of the stride.

    Args:
        x: images (B, C, H, W).
        scale: ratio asked for.
        stride: largest stride of the model [px].

    Returns:
        Images (B, C, H', W'), and the ratios of width and height that they really got.
    """
    if scale == 1.0:
        return x, (1.0, 1.0)
    height, width = x.shape[-2:]
    new_height, new_width = max(1, round(height * scale)), max(1, round(width * scale))
    resized = F.interpolate(x, size=(new_height, new_width), mode="bilinear", align_corners=False)
    below = math.ceil(new_height / stride) * stride - new_height
    right = math.ceil(new_width / stride) * stride - new_width
    return F.pad(resized, (0, right, 0, below), value=LETTERBOX_GREY / 255), (new_width / width, new_height / height)


def restore(
    prediction: Tensor, kpt_shape: tuple[int, int], *, ratio: tuple[float, float], mirrored_width: int | None
) -> Tensor:
    """Bring predictions of a scaled, perhaps mirrored image back to the image itself.

    Args:
        prediction: (B, 4 + nc + K x D, N) centre, size, class scores, landmarks [px of the scaled image].
        kpt_shape: K landmarks of D values: x, y and, if D is 3, visibility.
        ratio: scale of width and height.
        mirrored_width: width of the image itself [px] if it was mirrored before scaling, else None.

    Returns:
        (B, 4 + nc + K x D, N) [px of the image itself]; left and right landmarks change places in a mirrored
        image.
    """
    num_landmarks, num_values = kpt_shape
    first_landmark = prediction.shape[1] - num_landmarks * num_values
    boxes, scores = prediction[:, :4], prediction[:, 4:first_landmark]
    landmarks = prediction[:, first_landmark:]
    scale = prediction.new_tensor(ratio).view(1, 2, 1)
    centres, sizes = boxes[:, :2] / scale, boxes[:, 2:] / scale
    points = landmarks.reshape(len(landmarks), num_landmarks, num_values, -1)
    places, visibility = points[:, :, :2] / scale.unsqueeze(1), points[:, :, 2:]
    if mirrored_width is not None:
        centres = mirror(centres, mirrored_width)
        places = mirror(places, mirrored_width)[:, MIRRORED_LANDMARKS]
        visibility = visibility[:, MIRRORED_LANDMARKS]
    return torch.cat([centres, sizes, scores, torch.cat([places, visibility], dim=2).flatten(1, 2)], dim=1)


def mirror(points: Tensor, width: int) -> Tensor:
    """Points (..., 2, N) [px] -> their places in the mirrored image."""
    x, y = points.unbind(dim=-2)
    return torch.stack([width - x, y], dim=-2)
