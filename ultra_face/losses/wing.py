"""Wing loss for landmarks. Source: Feng et al. 2018; YOLOv5n-AESVC, equations 3 and 4."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def wing(error: Tensor, *, width: float = 10.0, epsilon: float = 2.0) -> Tensor:
    """Logarithmic near zero, linear beyond `width`: error (...) -> loss (...), in float32, same unit as `width`.

    w ln(1 + |x| / epsilon) for |x| < w, |x| - C beyond, with C = w - w ln(1 + w / epsilon) joining the two. The slope
    falls from w / epsilon at zero to w / (w + epsilon) at the joint: small errors pull hardest.
    """
    distance = error.float().abs()
    constant = width - width * math.log1p(width / epsilon)
    return torch.where(distance < width, width * torch.log1p(distance / epsilon), distance - constant)
