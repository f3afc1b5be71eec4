"""Windows that show the doubtful faces of an image with context, chosen so that no two are spent on the same faces."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ultra_face.refinement.candidates import Candidates
from ultra_face.refinement.frame import edge_xy, longest_sides

STEPS = 1024
"""Promise is counted in whole steps, whose sums are exact: windows that show the same faces draw, and the first of them
is taken, in every runtime."""

PLACES = 5
"""Windows that are tried for each face."""


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
