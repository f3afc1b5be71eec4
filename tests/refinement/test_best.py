"""The highest values of each row, and how many of them."""

from __future__ import annotations

import pytest
import torch

from ultra_face.refinement.best import best

VALUES = torch.tensor([[0.1, 0.9, 0.0, 0.5], [0.3, 0.0, 0.0, 0.2]])


def test_the_highest_come_first_with_their_places() -> None:
    values, places = best(VALUES, 2)
    torch.testing.assert_close(values, torch.tensor([[0.9, 0.5], [0.3, 0.2]]))
    assert places.tolist() == [[1, 3], [0, 3]]


@pytest.mark.parametrize(
    ("limit", "above", "count"),
    [
        (10, None, 4),  # of four values
        (3, None, 3),
        (10, 0.0, 3),  # three in the first row, two in the second
        (10, 0.25, 2),
        (10, 0.5, 1),  # 0.5 itself is not above
        (10, 0.95, 1),  # never none
        (2, 0.0, 2),
    ],
)
def test_their_number(limit: int, above: float | None, count: int) -> None:
    values, places = best(VALUES, limit, above=above)
    assert values.shape == places.shape == (2, count)
