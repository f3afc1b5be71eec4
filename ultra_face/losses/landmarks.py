"""The landmark part of FaceLoss, shared by both heads. Source: YOLOv5n-AESVC, equations 3, 4; Feng et al. 2018 (wing).

Deviation: the mean over visible coordinates instead of the sum, so that faces with missing landmarks weigh no less; the
paper gives w and epsilon no unit, ours is the stride of the level, as in YOLO5Face (Qi et al. 2022), or a share of the
face where `landmark_units` says so.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from ultra_face.losses.settings import FaceLossSettings

EPS = 1e-7


def wing(error: Tensor, *, width: float = 10.0, epsilon: float = 2.0) -> Tensor:
    """Logarithmic near zero, linear beyond `width`: error (...) -> loss (...), in float32, same unit as `width`.

    w ln(1 + |x| / epsilon) for |x| < w, |x| - C beyond, with C = w - w ln(1 + w / epsilon) joining the two. The slope
    falls from w / epsilon at zero to w / (w + epsilon) at the joint: small errors pull hardest.
    """
    distance = error.float().abs()
    constant = width - width * math.log1p(width / epsilon)
    return torch.where(distance < width, width * torch.log1p(distance / epsilon), distance - constant)


def landmark_loss(
    predicted: Tensor, target: Tensor, visible: Tensor, settings: FaceLossSettings, *, size: Tensor, weight: Tensor
) -> Tensor:
    """Mean wing loss over the coordinates of visible landmarks, () in float32; 0 where none is visible.

    Args:
        predicted: landmarks (N, K, 2) [strides].
        target: landmarks (N, K, 2) [strides], same frame.
        visible: mask (N, K).
        settings: width, epsilon and unit of the wing.
        size: of each face (N,), the root of its area [strides].
        weight: of each face in the mean (N,).
    """
    error = torch.where(visible[..., None], predicted.float() - target.float(), 0.0) * unit_scale(size, settings)
    loss = wing(error, width=settings.wing_width, epsilon=settings.wing_epsilon) * weight[:, None, None]
    return loss.sum() / (2 * (visible * weight[:, None]).sum()).clamp(min=EPS)


def unit_scale(size: Tensor, settings: FaceLossSettings) -> Tensor:
    """How many landmark units a stride is, for faces of this size (N,) [strides] -> (N, 1, 1)."""
    if not settings.landmark_units:
        return torch.ones_like(size)[:, None, None]
    return (settings.landmark_units / size.clamp(min=EPS))[:, None, None]


def visibility_loss(logits: Tensor, visible: Tensor, *, weight: Tensor) -> Tensor:
    """Binary cross-entropy of the visibility (N, K) of landmarks, in a mean of weighted faces (N,); 0 where N is 0.

    Faces of which no landmark is annotated are left out: nothing is known of them.
    """
    known = visible.any(dim=1, keepdim=True).expand_as(visible)
    loss = binary_cross_entropy_with_logits(logits.float(), visible.float(), reduction="none") * weight[:, None]
    return torch.where(known, loss, 0.0).sum() / (known * weight[:, None]).sum().clamp(min=EPS)


def annotated(keypoints: Tensor) -> Tensor:
    """Which landmarks have a label: (T, K, 3) by their flag, (T, K, 2) by not lying at the origin -> (T, K)."""
    return keypoints[..., 2] != 0 if keypoints.shape[-1] == 3 else (keypoints != 0).any(-1)
