"""Overlap of boxes in batches: how much of two boxes is shared, each with each.

In single precision, whatever the boxes come in: the area of a large face is beyond the range of half precision.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

EPSILON = 1e-7


def pairwise_iou(first_xyxy: Tensor, second_xyxy: Tensor) -> Tensor:
    """Intersection over union: boxes (B, N, 4) and (B, M, 4) in one frame -> (B, N, M); empty boxes share nothing."""
    (left_a, top_a, right_a, bottom_a), (left_b, top_b, right_b, bottom_b) = _sides(first_xyxy, second_xyxy)
    width = (torch.minimum(right_a, right_b) - torch.maximum(left_a, left_b)).clamp(min=0)
    height = (torch.minimum(bottom_a, bottom_b) - torch.maximum(top_a, top_b)).clamp(min=0)
    shared = width * height
    area_a, area_b = (right_a - left_a) * (bottom_a - top_a), (right_b - left_b) * (bottom_b - top_b)
    return shared / (area_a + area_b - shared + EPSILON)


def pairwise_ciou(first_xyxy: Tensor, second_xyxy: Tensor) -> Tensor:
    """Complete IoU (Zheng et al. 2020, equations 7 to 9): boxes (B, N, 4) and (B, M, 4) -> (B, N, M).

    IoU, less the distance of the centres in diagonals of the enclosing box, squared, less a v for unlike shapes.
    """
    iou = pairwise_iou(first_xyxy, second_xyxy)
    (left_a, top_a, right_a, bottom_a), (left_b, top_b, right_b, bottom_b) = _sides(first_xyxy, second_xyxy)
    width = torch.maximum(right_a, right_b) - torch.minimum(left_a, left_b)
    height = torch.maximum(bottom_a, bottom_b) - torch.minimum(top_a, top_b)
    apart_x, apart_y = (left_a + right_a - left_b - right_b) / 2, (top_a + bottom_a - top_b - bottom_b) / 2
    distance = (apart_x.square() + apart_y.square()) / (width.square() + height.square() + EPSILON)
    angle_a = torch.atan((right_a - left_a) / (bottom_a - top_a + EPSILON))
    angle_b = torch.atan((right_b - left_b) / (bottom_b - top_b + EPSILON))
    shape = 4 / math.pi**2 * (angle_a - angle_b).square()
    return iou - distance - shape * shape / (1 - iou + shape + EPSILON)


def _sides(first_xyxy: Tensor, second_xyxy: Tensor) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """Left, top, right and bottom of the first boxes, each (B, N, 1), and of the second, each (B, 1, M)."""
    return first_xyxy.float().unsqueeze(2).unbind(-1), second_xyxy.float().unsqueeze(1).unbind(-1)
