"""The landmark part of FaceLoss, shared by both heads. Source: YOLOv5n-AESVC, equations 3, 4; Feng et al. 2018 (wing).

Deviation: the mean over visible coordinates instead of the sum, so that faces with missing landmarks weigh no less; the
paper gives w and epsilon no unit, ours is the stride of the level, as in YOLO5Face (Qi et al. 2022).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from ultra_face.losses.settings import FaceLossSettings


def wing(error: Tensor, *, width: float = 10.0, epsilon: float = 2.0) -> Tensor:
    """Logarithmic near zero, linear beyond `width`: error (...) -> loss (...), in float32, same unit as `width`.

    w ln(1 + |x| / epsilon) for |x| < w, |x| - C beyond, with C = w - w ln(1 + w / epsilon) joining the two. The slope
    falls from w / epsilon at zero to w / (w + epsilon) at the joint: small errors pull hardest.
    """
    distance = error.float().abs()
    constant = width - width * math.log1p(width / epsilon)
    return torch.where(distance < width, width * torch.log1p(distance / epsilon), distance - constant)


def landmark_loss(predicted: Tensor, target: Tensor, visible: Tensor, settings: FaceLossSettings) -> Tensor:
    """Mean wing loss over the coordinates of visible landmarks, () in float32; 0 where none is visible.

    Args:
        predicted: landmarks (N, K, 2) [strides].
        target: landmarks (N, K, 2) [strides], same frame.
        visible: mask (N, K).
        settings: width and epsilon of the wing.
    """
    error = torch.where(visible[..., None], predicted.float() - target.float(), 0.0)
    loss = wing(error, width=settings.wing_width, epsilon=settings.wing_epsilon)
    return loss.sum() / (2 * visible.sum()).clamp(min=1)


def visibility_loss(logits: Tensor, visible: Tensor) -> Tensor:
    """Binary cross-entropy of the visibility (N, K) of landmarks; 0 where N is 0.

    Faces of which no landmark is annotated are left out: nothing is known of them.
    """
    known = visible.any(dim=1, keepdim=True).expand_as(visible)
    loss = binary_cross_entropy_with_logits(logits.float(), visible.float(), reduction="none")
    return torch.where(known, loss, 0.0).sum() / known.sum().clamp(min=1)
