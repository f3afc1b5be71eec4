"""The input's right bottom corner as a tensor: made of numbers, it would be fixed in a graph for inputs of any size."""

from __future__ import annotations

import torch
from torch import Tensor


def edge_xy(image_hw: tuple[int, int], like: Tensor) -> Tensor:
    """Width and height (2,) [input px] in the precision and on the device of another tensor.

    As a tensor, since a number would be fixed in an exported graph of variable size.
    """
    height, width = image_hw
    return torch.stack([like.new_zeros(()) + side for side in (width, height)])


def longest_sides(boxes_xyxy: Tensor) -> Tensor:
    """Boxes (..., 4) -> the longer of width and height (...)."""
    return (boxes_xyxy[..., 2:] - boxes_xyxy[..., :2]).amax(-1)


def boxes_at(boxes: Tensor, index: Tensor) -> Tensor:
    """The boxes (B, N, 4) at these places (B, M) -> (B, M, 4)."""
    return boxes.gather(1, index.unsqueeze(2).expand(-1, -1, 4))
