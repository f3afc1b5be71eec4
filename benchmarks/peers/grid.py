"""The cells of feature maps, row by row and level after level: what raw outputs are counted from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

STRIDES = (8, 16, 32)


@dataclass(frozen=True)
class Grid:
    """Cells of all levels.

    Attributes:
        cells: column and row (N, 2) [strides].
        strides: (N, 1) [input px].
    """

    cells: NDArray[np.float32]
    strides: NDArray[np.float32]

    def __getitem__(self, rows: NDArray[np.int64]) -> Grid:
        """The cells of these rows alone."""
        return Grid(self.cells[rows], self.strides[rows])


def grid(size: tuple[int, int], *, strides: Sequence[int] = STRIDES, per_cell: int = 1) -> Grid:
    """Cells of an input of width and height [px], each repeated `per_cell` times in a row."""
    cells, sides = [], []
    for stride in strides:
        width, height = (-(-side // stride) for side in size)
        rows, columns = np.divmod(np.arange(width * height).repeat(per_cell), width)
        cells.append(np.stack([columns, rows], axis=1))
        sides.append(np.full((len(rows), 1), stride))
    return Grid(np.concatenate(cells).astype(np.float32), np.concatenate(sides).astype(np.float32))


def decode_landmarks(offsets: NDArray[np.float32], places: Grid) -> NDArray[np.float32]:
    """Offsets x, y in turn (N, 10) [strides] from the cell's top left corner -> (N, 5, 2) [input px]."""
    return (places.cells[:, None] + offsets.reshape(-1, 5, 2)) * places.strides[:, None]
