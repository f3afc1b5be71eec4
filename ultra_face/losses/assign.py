"""Which anchors answer for which face. Source: YOLOv5 (Jocher et al. 2020), the assignment of both papers' baseline."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ultra_face.losses.settings import RATIO_LIMIT


class Matches(NamedTuple):
    """Positive anchors of one level, M of them; every field is an index tensor (M,).

    Attributes:
        image: image of the batch.
        anchor: anchor shape of the level.
        row: cell from the top.
        column: cell from the left.
        face: row of the targets.
    """

    image: Tensor
    anchor: Tensor
    row: Tensor
    column: Tensor
    face: Tensor


def match_anchors(
    image_index: Tensor,
    boxes_xywh: Tensor,
    anchors: Tensor,
    grid_hw: tuple[int, int],
    *,
    ratio_limit: float = RATIO_LIMIT,
) -> Matches:
    """Match faces to the anchors of one level, by shape and by the three cells nearest to the face's centre.

    An anchor fits where neither side differs from the face's by a factor of `ratio_limit` or more. A fitting anchor is
    positive in the cell of the centre and in its nearer neighbour in x and in y, as far as the map reaches: the decoded
    centre can move from -0.5 to 1.5 cells. A box of no width or height fits no anchor.

    Args:
        image_index: image of each face (T,).
        boxes_xywh: centre and size of each face (T, 4) [strides of this level].
        anchors: anchor sizes (A, 2) [strides of this level].
        grid_hw: height and width of the level's map.
        ratio_limit: largest ratio of sides, exclusive.
    """
    center, size = boxes_xywh[:, :2], boxes_xywh[:, 2:]
    ratio = size[None] / anchors[:, None]
    fits = torch.maximum(ratio, 1 / ratio).amax(2) < ratio_limit
    anchor, face = fits.nonzero(as_tuple=True)

    cell = center[face].floor()
    toward = torch.where(center[face] - cell < 0.5, -1.0, 1.0)
    zero = torch.zeros_like(toward[:, :1])
    sideways, up_or_down = torch.cat([toward[:, :1], zero], 1), torch.cat([zero, toward[:, 1:]], 1)
    steps = torch.stack([torch.zeros_like(toward), sideways, up_or_down])
    cells = (cell[None] + steps).long()
    inside = ((cells >= 0) & (cells < torch.tensor(grid_hw[::-1], device=cells.device))).all(2)

    which, match = inside.nonzero(as_tuple=True)
    column, row = cells[which, match].unbind(1)
    return Matches(image_index[face[match]], anchor[match], row, column, face[match])
