"""Boxes and predictions of a batch as the refinement handles them: the best of many, their places, their overlap.

Predictions are in Ultralytics' pose layout before NMS: (B, 4 + nc + K x D, N) with centre and size, class scores,
landmarks of x, y and, if D is 3, visibility. Numbers are fixed in an exported graph, elsewhere no more than matter.
Overlap is in single precision, whatever the boxes come in: the area of a large face is beyond the range of half
precision.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

LEAST_SCORE = 0.001
"""Score of a prediction of a tile from which it may matter; the lowest that Ultralytics' validation counts."""

EPSILON = 1e-7


def best(values: Tensor, limit: int, *, above: float | None = None) -> tuple[Tensor, Tensor]:
    """Highest values (B, N) in falling order and their places, each (B, M).

    Args:
        values: (B, N).
        limit: M is at most this, and at most N.
        above: if given, M is no larger than the largest number of values above this in any image, but at least 1; it
            then depends on the data, which an exported graph cannot have.
    """
    count = min(limit, values.shape[1])
    if above is not None:
        count = max(1, min(count, int((values > above).sum(dim=1).max())))
    found = values.topk(count, dim=1)
    return found.values, found.indices


def best_columns(
    predictions: Tensor, scores: Tensor, limit: int, *, above: float | None = None
) -> tuple[Tensor, Tensor]:
    """The columns of predictions (B, C, N) with the best scores (B, N), and these scores; how many, see `best`."""
    highest, index = best(scores, limit, above=above)
    return predictions.gather(2, index.unsqueeze(1).expand(-1, predictions.shape[1], -1)), highest


def edge_xy(image_hw: tuple[int, int], like: Tensor) -> Tensor:
    """Width and height (2,) [input px] in the precision and on the device of another tensor.

    As a tensor, since a number would be fixed in an exported graph of variable size.
    """
    height, width = image_hw
    return torch.stack([like.new_zeros(()) + side for side in (width, height)])


def corners(predictions: Tensor) -> Tensor:
    """Centre and size in the first rows of predictions (B, C, N) -> boxes xyxy (B, N, 4)."""
    center, half = predictions[:, :2], predictions[:, 2:4] / 2
    return torch.cat([center - half, center + half], dim=1).transpose(1, 2)


def longest_sides(boxes_xyxy: Tensor) -> Tensor:
    """Boxes (..., 4) -> the longer of width and height (...)."""
    return (boxes_xyxy[..., 2:] - boxes_xyxy[..., :2]).amax(-1)


def boxes_at(boxes: Tensor, index: Tensor) -> Tensor:
    """The boxes (B, N, 4) at these places (B, M) -> (B, M, 4)."""
    return boxes.gather(1, index.unsqueeze(2).expand(-1, -1, 4))


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
