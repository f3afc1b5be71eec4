"""Where stage one deserves a second look: its doubtful small faces, and the windows that show them with context.

Source: SR-YOLOv5, section 1.2.3, "the grid to be determined". The windows are chosen so that no two are spent on the
same faces.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ultra_face.refinement.geometry import best, boxes_at, edge_xy, longest_sides, pairwise_iou
from ultra_face.refinement.suppression import ROUNDS, surviving

LOOKED_AT = 1024
"""Small boxes an image that are looked at, best scores first; several mean one face."""

LIMIT = 256
"""Doubtful faces an image, those that promise most."""

SAME_FACE = 0.5
"""IoU above which two boxes mean the same face."""

STEPS = 1024
"""Promise is counted in whole steps, whose sums are exact: windows that show the same faces draw, and the first of them
is taken, in every runtime."""

PLACES = 5
"""Windows that are tried for each face."""


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


class Windows(NamedTuple):
    """K windows an image.

    Attributes:
        left_top: (B, K, 2) whole numbers [input px]; below 0 never, beyond the image where it is smaller than a window.
        used: (B, K), false where nothing doubtful was left to show.
    """

    left_top: Tensor
    used: Tensor


def place_windows(boxes_xyxy: Tensor, *, side: int, context: float, image_hw: tuple[int, int]) -> Tensor:
    """Five windows for each box: the box in the middle, and in each corner with its context; moved into the image.

    Windows with a box in a corner lie side by side in a crowd, where windows around boxes would overlap.

    Args:
        boxes_xyxy: (B, M, 4) [input px].
        side: of the window [input px].
        context: see `shows`.
        image_hw: height and width of the input [px].

    Returns:
        Left top corners (B, 5 x M, 2) on whole pixels [input px]; the first M have the boxes in the middle.
    """
    last = (edge_xy(image_hw, boxes_xyxy) - side).clamp(min=0)
    border = context * longest_sides(boxes_xyxy).unsqueeze(-1)
    start, stop = (boxes_xyxy[..., :2] - border).floor(), (boxes_xyxy[..., 2:] + border).ceil() - side
    middle = ((boxes_xyxy[..., :2] + boxes_xyxy[..., 2:] - side) / 2).round()
    left, top, right, bottom = start[..., :1], start[..., 1:], stop[..., :1], stop[..., 1:]
    corners = [torch.cat([x, y], dim=-1) for x in (left, right) for y in (top, bottom)]
    return torch.minimum(torch.cat([middle, *corners], dim=1).clamp(min=0), last)


def shows(left_top: Tensor, boxes_xyxy: Tensor, *, side: int, context: float, image_hw: tuple[int, int]) -> Tensor:
    """Which window shows which box whole and with context, as far as the image has any.

    Args:
        left_top: windows (B, W, 2) [input px].
        boxes_xyxy: boxes (B, M, 4) [input px].
        side: of a window [input px].
        context: free border around a box, in longest sides of it.
        image_hw: height and width of the input [px].

    Returns:
        (B, W, M).
    """
    border = context * longest_sides(boxes_xyxy).unsqueeze(-1)
    start = (boxes_xyxy[..., :2] - border).clamp(min=0).unsqueeze(1)
    stop = torch.minimum(boxes_xyxy[..., 2:] + border, edge_xy(image_hw, boxes_xyxy)).unsqueeze(1)
    corner = left_top.unsqueeze(2)
    starts, stops = start >= corner, stop <= corner + side
    return starts[..., 0] & starts[..., 1] & stops[..., 0] & stops[..., 1]


def choose_windows(
    candidates: Candidates, count: int, *, side: int, context: float, image_hw: tuple[int, int]
) -> Windows:
    """Greedy cover: the window whose faces promise most, then the one that adds most, and so on.

    A face counts for the window around it even where that is too small for all of its context.

    Args:
        candidates: M doubtful faces an image.
        count: K, the number of windows an image.
        side: of a window [input px].
        context: see `shows`.
        image_hw: height and width of the input [px].
    """
    boxes, promise = candidates
    left = (promise.float() * STEPS).ceil()
    places = place_windows(boxes, side=side, context=context, image_hw=image_hw)
    covers = shows(places, boxes, side=side, context=context, image_hw=image_hw)
    window_of, face = (torch.arange(count, device=covers.device) for count in covers.shape[1:])
    covers = covers | (window_of.unsqueeze(1) == face)
    # Only doubtful faces place windows, so that it does not matter how many others the candidates hold.
    doubtful = (left > 0).repeat(1, PLACES)
    weights = (covers & doubtful.unsqueeze(2)).float()
    corners, used = [], []
    for _ in range(count):
        gain, best = (weights @ left.unsqueeze(2)).squeeze(2).max(dim=1, keepdim=True)
        corners.append(places.gather(1, best.unsqueeze(2).expand(-1, -1, 2)))
        used.append(gain > 0)
        shown = weights.gather(1, best.unsqueeze(2).expand(-1, -1, left.shape[1])).squeeze(1)
        left = left * (1 - shown)
    return Windows(torch.cat(corners, dim=1), torch.cat(used, dim=1))
