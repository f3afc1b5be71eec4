"""Doubtful small faces of stage one. Source: SR-YOLOv5, section 1.2.3, "the grid to be determined"."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ultra_face.refinement.best import best
from ultra_face.refinement.frame import boxes_at, longest_sides
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
    boxes_xyxy: Tensor,
    scores: Tensor,
    *,
    doubt: tuple[float, float],
    max_face: float,
    limit: int = LIMIT,
    fixed: bool = False,
) -> Candidates:
    """Pick the doubtful small faces of each image.

    Args:
        boxes_xyxy: all boxes of stage one (B, N, 4) [input px].
        scores: their scores (B, N), 0..1.
        doubt: lowest score of a doubtful face, and the score from which a face is confident.
        max_face: longest side of a small box [input px].
        limit: M, at most so many faces an image; fewer where N is smaller.
        fixed: M must not depend on the scores, for export; else it is as small as they allow.
    """
    low, high = doubt
    small = longest_sides(boxes_xyxy) <= max_face
    small_scores = torch.where(small, scores, torch.zeros_like(scores))
    small_scores, index = best(small_scores, LOOKED_AT, above=None if fixed else low / 2)
    boxes = boxes_at(boxes_xyxy, index)
    first_of_its_face = surviving(pairwise_iou(boxes, boxes), SAME_FACE, rounds=ROUNDS)
    doubtful = (small_scores >= low) & (small_scores < high) & first_of_its_face
    variance = small_scores * (1 - small_scores)
    promise, index = best(
        torch.where(doubtful, variance, torch.zeros_like(variance)), limit, above=None if fixed else 0.0
    )
    return Candidates(boxes_at(boxes, index), promise)
