"""The assignment against literal loops over every anchor, cell and face."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from ultra_face.data import anchors as anchor_data
from ultra_face.losses.assign import match_anchors
from ultra_face.losses.settings import RATIO_LIMIT

ANCHORS = torch.tensor([[1.0, 1.5], [4.0, 5.0], [0.3, 2.0]])


def literal_matches(
    image_index: Tensor, boxes: Tensor, anchors: Tensor, grid_hw: tuple[int, int], ratio_limit: float = 4.0
) -> set[tuple[int, ...]]:
    """(image, anchor, row, column, face) of every positive: each cell is asked whether it answers for a face.

    A cell answers where it shares row or column with the face's centre and the centre is less than one cell
    from its middle along the other axis: the cell of the centre itself and its nearer neighbours.
    """
    positives = set()
    for face, (image, (x, y, w, h)) in enumerate(zip(image_index.tolist(), boxes.tolist(), strict=True)):
        for a, (aw, ah) in enumerate(anchors.tolist()):
            if min(w, h) <= 0 or max(w / aw, aw / w, h / ah, ah / h) >= ratio_limit:
                continue
            for row in range(grid_hw[0]):
                for column in range(grid_hw[1]):
                    same_row, same_column = row == math.floor(y), column == math.floor(x)
                    near = (same_row and abs(x - column - 0.5) < 1) or (same_column and abs(y - row - 0.5) < 1)
                    if near:
                        positives.add((int(image), a, row, column, face))
    return positives


def as_set(matches: tuple[Tensor, ...]) -> set[tuple[int, ...]]:
    rows = list(zip(*(field.tolist() for field in matches), strict=True))
    assert len(rows) == len(set(rows))
    return set(rows)


@pytest.mark.parametrize("grid_hw", [(8, 8), (5, 9), (1, 1)])
@pytest.mark.parametrize("seed", range(3))
def test_against_the_literal_loops(grid_hw: tuple[int, int], seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    center = torch.rand(40, 2, generator=generator) * torch.tensor(grid_hw[::-1])
    size = torch.exp(torch.randn(40, 2, generator=generator))
    boxes, image_index = torch.cat([center, size], 1), torch.randint(4, (40,), generator=generator)
    expected = literal_matches(image_index, boxes, ANCHORS, grid_hw)
    assert len(expected) > 20
    assert as_set(match_anchors(image_index, boxes, ANCHORS, grid_hw)) == expected


def test_centre_cell_and_the_nearer_neighbours_by_hand() -> None:
    # Centre (2.3, 4.8): cell column 2, row 4; nearer are column 1 on the left and row 5 below.
    matches = match_anchors(torch.tensor([7]), torch.tensor([[2.3, 4.8, 1.0, 1.5]]), ANCHORS[:1], (8, 8))
    assert as_set(matches) == {(7, 0, 4, 2, 0), (7, 0, 4, 1, 0), (7, 0, 5, 2, 0)}


def test_neighbours_end_at_the_border() -> None:
    # Centre (0.2, 7.9) of an 8 x 8 map: the neighbours would be column -1 and row 8.
    matches = match_anchors(torch.tensor([0]), torch.tensor([[0.2, 7.9, 1.0, 1.5]]), ANCHORS[:1], (8, 8))
    assert as_set(matches) == {(0, 0, 7, 0, 0)}


@pytest.mark.parametrize(
    ("size", "fits"),
    [
        ((3.99, 1.0), True),
        ((4.0, 1.0), False),  # the limit itself is excluded
        ((1.0, 0.26), True),
        ((1.0, 0.25), False),
        ((0.0, 1.0), False),
        ((0.0, 0.0), False),
    ],
)
def test_ratio_limit(size: tuple[float, float], fits: bool) -> None:
    matches = match_anchors(
        torch.tensor([0]),
        torch.tensor([[2.5, 2.5, *size]]),
        torch.tensor([[1.0, 1.0]]),
        (5, 5),
        ratio_limit=4.0,
    )
    assert (len(matches.face) > 0) == fits


def test_no_faces() -> None:
    matches = match_anchors(torch.zeros(0, dtype=torch.long), torch.zeros(0, 4), ANCHORS, (8, 8))
    assert as_set(matches) == set()


def test_anchors_are_fitted_for_the_ratio_that_the_loss_allows() -> None:
    assert anchor_data.RATIO_LIMIT == RATIO_LIMIT
