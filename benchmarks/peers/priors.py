"""Prior boxes of the SSD family and what is counted from them. Source: Liu et al. 2016, SSD, section 2.2."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.grid import grid

VARIANCES = (0.1, 0.2)  # of centres and of logarithms of sizes


def priors(
    size: tuple[int, int], sides: Mapping[int, Sequence[int]], density: Mapping[int, int]
) -> NDArray[np.float32]:
    """Square priors of an input, level after level, cell after cell.

    Args:
        size: width and height of the input [px].
        sides: for each stride [px] the sides of its priors [px].
        density: for a side, so many priors a cell and direction, evenly spaced from the cell's corner; those of
            other sides stand alone in the middle (FaceBoxes, Zhang et al. 2017, section 3.3).

    Returns:
        Centre and size (N, 4) [input px].
    """
    levels = []
    for stride, of_level in sides.items():
        corners = grid(size, strides=[stride]).cells
        shifts = np.concatenate([_shifts(density.get(side, 1)) for side in of_level])
        lengths = np.concatenate([np.full(density.get(side, 1) ** 2, side) for side in of_level])
        centers = (corners[:, None] + shifts) * stride
        widths = np.broadcast_to(lengths[:, None], centers.shape)
        levels.append(np.concatenate([centers, widths], axis=2).reshape(-1, 4))
    return np.concatenate(levels).astype(np.float32)


def decode_boxes(values: NDArray[Any], of: NDArray[np.float32]) -> NDArray[np.float32]:
    """Values (N, 4) and their priors (N, 4) [input px] -> corners (N, 4) [input px]."""
    center = of[:, :2] + values[:, :2] * VARIANCES[0] * of[:, 2:]
    half = of[:, 2:] * np.exp(values[:, 2:] * VARIANCES[1]) / 2
    return np.concatenate([center - half, center + half], axis=1)


def decode_landmarks(values: NDArray[Any], of: NDArray[np.float32]) -> NDArray[np.float32]:
    """Values x, y in turn (N, 10) and their priors (N, 4) [input px] -> (N, 5, 2) [input px]."""
    landmarks: NDArray[np.float32] = of[:, None, :2] + values.reshape(-1, 5, 2) * VARIANCES[0] * of[:, None, 2:]
    return landmarks


def _shifts(count: int) -> NDArray[np.float64]:
    """Places of count x count priors in a cell, row by row (count^2, 2) [strides]."""
    if count == 1:
        return np.array([[0.5, 0.5]])
    steps = np.arange(count) / count
    return np.stack([np.tile(steps, count), steps.repeat(count)], axis=1)
