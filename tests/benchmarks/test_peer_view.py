"""A photograph in the input of a network, and points back on the photograph."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.peers.view import letterbox, stretch


def test_a_letterbox_keeps_proportions_and_fills_to_the_right_and_below() -> None:
    # 40 x 20 px into 80 x 80 px: twice as large, 40 rows are left.
    canvas, view = letterbox(np.full((20, 40, 3), 200, np.uint8), (80, 80), fill=(1, 2, 3))
    assert canvas.shape == (80, 80, 3)
    assert (canvas[:40] == 200).all()
    assert (canvas[40:] == (1, 2, 3)).all()
    assert view.scale_xy == (2, 2)


def test_stretching_scales_each_side_by_itself() -> None:
    # 40 x 20 px into 80 x 60 px: twice in x, three times in y.
    canvas, view = stretch(np.zeros((20, 40, 3), np.uint8), (80, 60))
    assert canvas.shape == (60, 80, 3)
    np.testing.assert_allclose(view.to_photograph(np.array([[80.0, 60.0], [10.0, 9.0]])), [[40, 20], [5, 3]])


@pytest.mark.parametrize("shape", [(333, 77), (77, 333), (5, 641)])
def test_the_far_corner_of_a_letterboxed_photograph_comes_back(shape: tuple[int, int]) -> None:
    height, width = shape
    canvas, view = letterbox(np.full((height, width, 3), 9, np.uint8), (640, 480), fill=(0, 0, 0))
    inner = np.argwhere(canvas[..., 0] == 9).max(axis=0)[::-1] + 1
    np.testing.assert_allclose(view.to_photograph(inner), [width, height], rtol=1e-6)
