"""Overlap of boxes in batches: how much of two boxes is shared, each with each."""

from __future__ import annotations

import math

import torch
from torch import Tensor

EPSILON = 1e-7


def pairwise_iou(first_xyxy: Tensor, second_xyxy: Tensor) -> Tensor:
    """Intersection over union: boxes (B, N, 4) and (B, M, 4) in one frame -> (B, N, M); empty boxes share nothing."""
    a, b = first_xyxy.unsqueeze(2), second_xyxy.unsqueeze(1)
    shared = (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).clamp(min=0).prod(-1)
    area_a, area_b = (a[..., 2:] - a[..., :2]).prod(-1), (b[..., 2:] - b[..., :2]).prod(-1)
    return shared / (area_a + area_b - shared + EPSILON)


def pairwise_ciou(first_xyxy: Tensor, second_xyxy: Tensor) -> Tensor:
    """Complete IoU (Zheng et al. 2020, equations 7 to 9): boxes (B, N, 4) and (B, M, 4) -> (B, N, M).

    IoU, less the distance of the centres in diagonals of the enclosing box, squared, less a v for unlike shapes.
    """
    iou = pairwise_iou(first_xyxy, second_xyxy)
    a, b = first_xyxy.unsqueeze(2), second_xyxy.unsqueeze(1)
    enclosing = torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])
    apart = (a[..., :2] + a[..., 2:] - b[..., :2] - b[..., 2:]) / 2
    distance = apart.square().sum(-1) / (enclosing.square().sum(-1) + EPSILON)
    size_a, size_b = a[..., 2:] - a[..., :2], b[..., 2:] - b[..., :2]
    angle_a = torch.atan(size_a[..., 0] / (size_a[..., 1] + EPSILON))
    angle_b = torch.atan(size_b[..., 0] / (size_b[..., 1] + EPSILON))
    shape = 4 / math.pi**2 * (angle_a - angle_b).square()
    return iou - distance - shape * shape / (1 - iou + shape + EPSILON)
