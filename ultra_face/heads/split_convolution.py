"""One convolution for each kind of value that a head predicts, for exports that compute in whole numbers.

A quantised convolution has one scale for all that it gives. Box values, objectness, class and landmarks of one
convolution reach from a few tenths to more than ten, so that one scale rounds the scores until faces come and go.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping

import torch
from torch import Tensor, nn


class SplitConvolution(nn.Module):
    """A convolution as several, each with the rows of one kind; the values come in the order that they had.

    Args:
        conv: gives (B, repeats x sum of kinds, H, W): for each repeat the rows of each kind in turn.
        kinds: rows of each kind in one repeat, by its name.

    Raises:
        ValueError: kinds that do not divide the rows.
    """

    def __init__(self, conv: nn.Conv2d, kinds: Mapping[str, int]) -> None:
        super().__init__()
        rows = sum(kinds.values())
        self.repeats, left_over = divmod(conv.out_channels, rows)
        if left_over:
            raise ValueError(f"SplitConvolution: expected a multiple of {rows} rows, got {conv.out_channels}")
        places = torch.arange(conv.out_channels).view(self.repeats, rows)
        for name, rows_of_kind in zip(kinds, torch.split(places, list(kinds.values()), dim=1), strict=True):
            self.add_module(name, with_rows(conv, rows_of_kind.flatten()))

    def forward(self, x: Tensor) -> Tensor:
        """Features (B, C, H, W) -> values (B, repeats x sum of kinds, H, W)."""
        batch, _, height, width = x.shape
        kinds = [conv(x).view(batch, self.repeats, -1, height * width) for conv in self.children()]
        return torch.cat(kinds, dim=2).view(batch, -1, height, width)


def with_rows(conv: nn.Conv2d, rows: Tensor) -> nn.Conv2d:
    """A copy of a convolution, of one group, with some of its rows (n,)."""
    part = copy.deepcopy(conv)
    part.out_channels = len(rows)
    part.weight = nn.Parameter(conv.weight.detach()[rows], requires_grad=False)
    if conv.bias is not None:
        part.bias = nn.Parameter(conv.bias.detach()[rows], requires_grad=False)
    return part
