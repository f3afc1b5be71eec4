"""Detections of the tiles, brought back to the image and joined to those of stage one.

Predictions are in Ultralytics' pose layout before NMS: (B, 4 + nc + K x D, N) with centre and size, class scores,
landmarks of x, y and, if D is 3, visibility. Stage two adds columns, which Ultralytics' NMS weighs against those of
stage one; no column of stage one goes.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ultra_face.refinement.geometry import best, boxes_at, edge_xy, pairwise_iou
from ultra_face.refinement.windows import SAME_FACE

BEST_OF_TILE = 1000
"""Predictions of a tile that are kept, by score; several anchors answer for one face."""

BORDER = 2.0
"""A box of stage two this near to a window's side, where the image goes on, is a cut face [input px]."""

CONFIDENT_LIMIT = 512
"""Confident predictions of stage one that stage two is compared with, by score; several mean one face."""

FACES_OF_WINDOW = 64
"""Confident faces a window that stage two is compared with there, by score."""


def to_image(predictions: Tensor, left_top: Tensor, *, scale: float, kpt_shape: Sequence[int]) -> Tensor:
    """Map predictions from tiles to the image.

    Args:
        predictions: (T, 4 + nc + K x D, N) [tile px].
        left_top: corner of each tile's window (T, 2) [input px].
        scale: tile pixels an input pixel.
        kpt_shape: K landmarks of D values.
    """
    num_landmarks, values = kpt_shape
    first = predictions.shape[1] - num_landmarks * values
    origin = left_top.unsqueeze(2)
    points = torch.unflatten(predictions[:, first:], 1, (num_landmarks, values))
    located = points[:, :, :2] / scale + origin.unsqueeze(1)
    landmarks = torch.cat([located, points[:, :, 2:]], dim=2).flatten(1, 2)
    center, size = predictions[:, :2] / scale + origin, predictions[:, 2:4] / scale
    return torch.cat([center, size, predictions[:, 4:first], landmarks], dim=1)


def whole(
    boxes_xyxy: Tensor, left_top: Tensor, *, side: int, image_hw: tuple[int, int], border: float = BORDER
) -> Tensor:
    """Which boxes of a tile are not cut off by a side of its window, the sides of the image excepted.

    Args:
        boxes_xyxy: (T, N, 4) [input px].
        left_top: corner of each tile's window (T, 2) [input px].
        side: of a window [input px].
        image_hw: height and width of the input [px].
        border: distance from the side below which a box counts as cut [input px].

    Returns:
        (T, N).
    """
    start, edge = left_top.unsqueeze(1), edge_xy(image_hw, boxes_xyxy)
    stop = start + side
    starts_inside = (boxes_xyxy[..., :2] >= start + border) | (start <= 0)
    stops_inside = (boxes_xyxy[..., 2:] <= stop - border) | (stop >= edge)
    return (starts_inside & stops_inside).all(-1)


def faces_in_windows(
    boxes_xyxy: Tensor, scores: Tensor, left_top: Tensor, *, side: int, limit: int = FACES_OF_WINDOW
) -> tuple[Tensor, Tensor]:
    """The faces that each window touches, best scores first.

    Args:
        boxes_xyxy: faces of the window's image (T, M, 4) [input px].
        scores: their scores (T, M).
        left_top: corner of each window (T, 2) [input px].
        side: of a window [input px].
        limit: at most so many.

    Returns:
        Boxes (T, F, 4) and scores (T, F), 0 where a window touches fewer.
    """
    corner = left_top.unsqueeze(1)
    touched = ((boxes_xyxy[..., 2:] > corner) & (boxes_xyxy[..., :2] < corner + side)).all(-1)
    highest, index = best(torch.where(touched, scores, torch.zeros_like(scores)), limit)
    return boxes_at(boxes_xyxy, index), highest


def already_found(boxes_xyxy: Tensor, found_xyxy: Tensor, found_scores: Tensor, *, confident: float) -> Tensor:
    """Which boxes (B, N, 4) mean a face that stage one is sure of: boxes (B, M, 4) with scores (B, M) -> (B, N)."""
    sure = (found_scores >= confident).unsqueeze(1)
    return ((pairwise_iou(boxes_xyxy, found_xyxy) > SAME_FACE) & sure).any(dim=2)
