"""What each detector's raw outputs mean, on one cell or one prior, worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks.peers import faceboxes, priors, retinaface, rfb, scrfd, yolo5face, yunet
from benchmarks.peers.grid import Grid, decode_landmarks, grid

# Column 3, row 2 of a map of stride 8: the cell's top left corner lies at (24, 16) px.
CELL = Grid(np.array([[3, 2]], np.float32), np.array([[8]], np.float32))
OFFSETS = np.arange(10, dtype=np.float32)[None]  # x 0, y 1, x 2, y 3, ...
PRIOR = np.array([[100, 50, 20, 20]], np.float32)  # centre and size [px]


def test_the_grid_counts_columns_first_and_repeats_each_cell() -> None:
    # 16 x 9 px: two columns and ceil(9 / 8) = 2 rows at stride 8, one cell at stride 16.
    places = grid((16, 9), strides=[8, 16], per_cell=2)
    corners = (places.cells * places.strides).tolist()
    assert corners == [[0, 0], [0, 0], [8, 0], [8, 0], [0, 8], [0, 8], [8, 8], [8, 8], [0, 0], [0, 0]]
    assert places.strides.ravel().tolist() == [8] * 8 + [16] * 2


def test_landmark_offsets_count_in_strides_from_the_corner_of_the_cell() -> None:
    # (24 + 8 x, 16 + 8 y) for (0, 1), (2, 3), ...
    expected = [[24, 24], [40, 40], [56, 56], [72, 72], [88, 88]]
    assert decode_landmarks(OFFSETS, CELL).tolist() == [expected]


def test_scrfd_gives_distances_to_the_four_sides() -> None:
    # From (24, 16): 1 stride left, 2 up, 3 right, 4 down.
    assert scrfd.decode_boxes(np.array([[1, 2, 3, 4]], np.float32), CELL).tolist() == [[16, 0, 48, 48]]


def test_yunet_gives_a_centre_and_the_logarithm_of_the_size() -> None:
    # Centre (3.5, 2.25) x 8 = (28, 18), size 2 x 8 = 16 and 4 x 8 = 32.
    values = np.array([[0.5, 0.25, math.log(2), math.log(4)]], np.float32)
    np.testing.assert_allclose(yunet.decode_boxes(values, CELL), [[20, 2, 36, 34]], rtol=1e-6)


def test_yolo5face_scales_its_anchor() -> None:
    anchor = np.array([[10, 20]], np.float32)
    # Logit 0 is 0.5: centre (3 + 0.5, 2 + 0.5) x 8 = (28, 20), size (2 x 0.5)^2 = 1 anchor.
    boxes = yolo5face.decode_boxes(np.zeros((1, 4), np.float32), CELL, anchor)
    np.testing.assert_allclose(boxes, [[23, 10, 33, 30]], rtol=1e-6)
    # Landmarks in anchors from the corner: (24 + 10 x, 16 + 20 y).
    expected = [[24, 36], [44, 76], [64, 116], [84, 156], [104, 196]]
    assert yolo5face.decode_landmarks(OFFSETS, CELL, anchor).tolist() == [expected]


@pytest.mark.parametrize("logit", [-200.0, -2.0, 0.0, 3.0, 200.0])
def test_the_sigmoid_of_any_logit_is_finite(logit: float) -> None:
    expected = 1 / (1 + math.exp(-logit))
    assert yolo5face.sigmoid(np.array([logit])) == pytest.approx(expected, abs=1e-12)


def test_ssd_boxes_move_by_tenths_and_grow_by_fifths_of_an_exponent() -> None:
    # Centre (100 + 1 x 0.1 x 20, 50 - 2 x 0.1 x 20) = (102, 46), size 20 x (2, 1).
    values = np.array([[1, -2, math.log(2) / 0.2, 0]], np.float32)
    np.testing.assert_allclose(priors.decode_boxes(values, PRIOR), [[82, 36, 122, 56]], rtol=1e-6)


def test_ssd_landmarks_move_by_tenths_of_the_prior() -> None:
    # (100 + 2 x, 50 + 2 y) for (0, 1), (2, 3), ...
    expected = [[100, 52], [104, 56], [108, 60], [112, 64], [116, 68]]
    np.testing.assert_allclose(priors.decode_landmarks(OFFSETS, PRIOR), [expected], rtol=1e-6)


def test_single_priors_stand_in_the_middle_and_dense_ones_from_the_corner() -> None:
    # One cell of 32 px: one prior of 16 px, then 2 x 2 of 8 px.
    placed = priors.priors((32, 32), {32: (16, 8)}, {8: 2})
    assert placed.tolist() == [[16, 16, 16, 16], [0, 0, 8, 8], [16, 0, 8, 8], [0, 16, 8, 8], [16, 16, 8, 8]]


def test_the_priors_of_faceboxes_are_as_many_as_its_outputs() -> None:
    # 20 x 20 cells with 16 + 4 + 1 priors, 10 x 10 and 5 x 5 with one.
    assert priors.priors((640, 640), faceboxes.SIDES, faceboxes.DENSITY).shape == (400 * 21 + 100 + 25, 4)


def test_the_priors_of_retinaface_are_two_a_cell() -> None:
    # 80 x 60, 40 x 30 and 20 x 15 cells.
    assert priors.priors((640, 480), retinaface.SIDES, {}).shape == (2 * (4800 + 1200 + 300), 4)


def test_rfb_gives_shares_of_the_input() -> None:
    corners = np.array([[0.25, 0.5, 0.75, 1.0]], np.float32)
    assert rfb.decode_boxes(corners, (640, 480)).tolist() == [[160, 240, 480, 480]]
