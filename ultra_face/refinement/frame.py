"""The input's right bottom corner as a tensor: made of numbers, it would be fixed in a graph for inputs of any size."""

from __future__ import annotations

import torch
from torch import Tensor


def edge_xy(image_hw: tuple[int, int], like: Tensor) -> Tensor:
    """Width and height (2,) [input px] in the precision and on the device of another tensor."""
    height, width = image_hw
    return torch.stack([like.new_zeros(()) + side for side in (width, height)])
