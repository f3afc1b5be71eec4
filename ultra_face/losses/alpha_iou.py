"""Alpha-CIoU for boxes. Source: YOLOv5n-AESVC, equation 5, after He et al. 2021 and Zheng et al. 2020 (CIoU)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

EPS = 1e-7


def ciou_terms(boxes_xyxy: Tensor, targets_xyxy: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """IoU, distance and aspect term of CIoU: two (N, 4) boxes of one frame and unit -> three (N, 1).

    iou is in [0, 1]; distance is the squared distance of the centres over the squared diagonal of the enclosing box;
    aspect is beta v with v the squared difference of the aspect angles. CIoU = iou - distance - aspect. Boxes of no
    size are handled (iou 0); beta carries no gradient, as in the paper.
    """
    left, top, right, bottom = boxes_xyxy.chunk(4, dim=-1)
    t_left, t_top, t_right, t_bottom = targets_xyxy.chunk(4, dim=-1)
    width, height = right - left, bottom - top + EPS
    t_width, t_height = t_right - t_left, t_bottom - t_top + EPS

    inter_width = (right.minimum(t_right) - left.maximum(t_left)).clamp_(min=0)
    inter_height = (bottom.minimum(t_bottom) - top.maximum(t_top)).clamp_(min=0)
    intersection = inter_width * inter_height
    iou = intersection / (width * height + t_width * t_height - intersection + EPS)

    diagonal = (
        (right.maximum(t_right) - left.minimum(t_left)).square()
        + (bottom.maximum(t_bottom) - top.minimum(t_top)).square()
        + EPS
    )
    distance = ((t_left + t_right - left - right).square() + (t_top + t_bottom - top - bottom).square()) / 4 / diagonal

    v = (4 / math.pi**2) * ((t_width / t_height).atan() - (width / height).atan()).square()
    with torch.no_grad():
        beta = v / (v - iou + (1 + EPS))
    return iou, distance, beta * v


def alpha_ciou_loss(boxes_xyxy: Tensor, targets_xyxy: Tensor, *, alpha: float = 3.0) -> tuple[Tensor, Tensor]:
    """1 - IoU^alpha + distance^alpha + aspect^alpha, and the plain CIoU: two (N, 4) -> loss (N, 1), ciou (N, 1).

    alpha = 1 is the CIoU loss. alpha > 1 weighs well-placed boxes up, which sharpens localisation. Each power is taken
    of a value held at or above EPS, so that the gradient stays finite for alpha < 1 too.
    """
    iou, distance, aspect = ciou_terms(boxes_xyxy, targets_xyxy)
    ciou = iou - distance - aspect
    if alpha == 1:
        return 1 - ciou, ciou
    loss = 1 - _power(iou, alpha) + _power(distance, alpha) + _power(aspect, alpha)
    return loss, ciou


def _power(x: Tensor, alpha: float) -> Tensor:
    return x.clamp(min=EPS).pow(alpha)
