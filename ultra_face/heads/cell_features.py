"""What a tracker knows a face by: the features of the cell that predicted it.

Ultralytics' trackers compare faces by the feature maps that go into the head (`with_reid: true`, `model: auto`), as if
each cell gave one prediction, in the order of the cells. With anchors it gives several; the tiles of a second look and
the further passes of `augment=True` add predictions that no cell of these maps made.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from ultra_face.heads.refined import Refined


def prediction_maps(head: Any, predictions: Tensor, maps: list[Tensor]) -> list[Tensor]:
    """Feature maps with one cell a prediction, in the order of the predictions.

    A prediction without a cell of its own gets the cell of the finest level in which its box has its centre. So does
    every prediction where CIoU suppression has sorted them.

    Args:
        head: a head of ours.
        predictions: (B, 4 + nc + nk, N) with centre and size first [input px].
        maps: what went into the head in its first pass over the input, (B, C, H, W) a level.

    Returns:
        (B, C, A x H, W) a level, then (B, C of the finest level, 1, M): N cells in all.
    """
    is_sorted = isinstance(head, Refined) and bool(head.sr.ciou_nms)
    own = [] if is_sorted else [level.repeat(1, 1, getattr(head, "na", 1), 1) for level in maps]
    num_own = sum(level.shape[2] * level.shape[3] for level in own)
    finest = int(head.stride.argmin())
    return [*own, _features_at(predictions[:, :2, num_own:], maps[finest], stride=float(head.stride[finest]))]


def _features_at(centers: Tensor, level: Tensor, *, stride: float) -> Tensor:
    """Features (B, C, 1, M) of the cells of a map (B, C, H, W) in which points (B, 2, M) [input px] lie."""
    height, width = level.shape[2:]
    column, row = (centers.float() / stride).long().unbind(1)
    cell = row.clamp(0, height - 1) * width + column.clamp(0, width - 1)
    return level.flatten(2).gather(2, cell.unsqueeze(1).expand(-1, level.shape[1], -1)).unsqueeze(2)
