"""Doubtful small faces of stage one. Source: SR-YOLOv5, section 1.2.3, "the grid to be determined"."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ultra_face.refinement.overlap import pairwise_iou
from ultra_face.refinement.suppression import ROUNDS, surviving

LOOKED_AT = 1024
"""Small boxes an image that are looked at, best scores first; several mean one face."""

LIMIT = 256
"""Doubtful faces an image, those that promise most."""

SAME_FACE = 0.5
"""IoU above which two boxes mean the same face."""


class Candidates(NamedTuple):
    """Small faces, M an image, with what a second look at each may bring.

    Attributes:
        boxes_xyxy: (B, M, 4) [input px].
        promise: (B, M), the variance s (1 - s) of a doubtful face with score s; 0 for confident ones, background
            and further boxes on the same face.
    """

    boxes_xyxy: Tensor
    promise: Tensor


def find_candidates(
    boxes_xyxy: Tensor, scores: Tensor, *, doubt: tuple[float, float], max_face: float, limit: int = LIMIT
) -> Candidates:
    """Pick the doubtful small faces of each image.

    Args:
        boxes_xyxy: all boxes of stage one (B, N, 4) [input px].
        scores: their scores (B, N), 0..1.
        doubt: lowest score of a doubtful face, and the score from which a face is confident.
        max_face: longest side of a small box [input px].
        limit: M, at most so many faces an image; fewer where N is smaller.
    """
    small = (boxes_xyxy[..., 2:] - boxes_xyxy[..., :2]).amax(-1) <= max_face
    boxes, best = _best(boxes_xyxy, torch.where(small, scores, torch.zeros_like(scores)), LOOKED_AT)
    first_of_its_face = surviving(pairwise_iou(boxes, boxes), SAME_FACE, rounds=ROUNDS)
    low, high = doubt
    doubtful = (best >= low) & (best < high) & first_of_its_face
    return Candidates(*_best(boxes, torch.where(doubtful, best * (1 - best), torch.zeros_like(best)), limit))


def _best(boxes: Tensor, values: Tensor, limit: int) -> tuple[Tensor, Tensor]:
    """The boxes (B, N, 4) of the highest values (B, N), at most `limit`, and these values."""
    highest, index = values.topk(min(limit, values.shape[1]), dim=1)
    return boxes.gather(1, index.unsqueeze(2).expand(-1, -1, 4)), highest
