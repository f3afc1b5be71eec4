from __future__ import annotations

import numpy as np
import oracle
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from ultra_face.eval import matching
from ultra_face.eval.matching import claim_faces, inclusive_iou


def boxes(*rows):
    return np.array(rows, float).reshape(-1, 4)


@pytest.mark.parametrize(
    ("box", "other", "expected"),
    [
        ([0, 0, 9, 9], [0, 0, 9, 9], 1.0),
        ([0, 0, 0, 0], [0, 0, 0, 0], 1.0),  # one pixel each
        ([0, 0, 9, 9], [5, 0, 9, 9], 50 / 150),  # columns 5..9 of 0..14
        ([0, 0, 9, 9], [9, 9, 9, 9], 1 / 199),  # they share the pixel (9, 9)
        ([0, 0, 9, 9], [10, 0, 9, 9], 0.0),
        ([0, 0, 9, 9], [0, 0, -2, 9], 0.0),  # negative width: covers no column
        ([0.5, 0, 3, 3], [0, 0, 3, 3], 3.5 * 4 / (16 + 16 - 3.5 * 4)),
    ],
)
def test_inclusive_iou(box, other, expected):
    assert_allclose(inclusive_iou(boxes(box), boxes(other)), [[expected]])
    assert_allclose(inclusive_iou(boxes(other), boxes(box)), [[expected]])


def test_inclusive_iou_agrees_with_the_literal_overlap():
    rng = np.random.default_rng(0)
    a, b = rng.uniform(0, 30, (40, 4)), rng.integers(-3, 30, (50, 4)).astype(float)
    expected = [[oracle.overlap(x, y) for y in b] for x in a]
    assert_allclose(inclusive_iou(a, b), expected)


def test_claims():
    faces = boxes([0, 0, 9, 9], [100, 0, 9, 9], [100, 0, 9, 9])
    detections = boxes([1, 0, 9, 9], [100, 0, 9, 9], [50, 0, 9, 9], [0, 0, 30, 9])
    # shifted by one column: 90/110; equal to two faces: the first; on none; 100/310 is too little
    assert_array_equal(claim_faces(detections, faces, 0.5), [0, 1, -1, -1])
    assert_array_equal(claim_faces(detections, faces, 0.3), [0, 1, -1, 0])


@pytest.mark.parametrize(("num_detections", "num_faces"), [(0, 0), (0, 3), (3, 0)])
def test_nothing_to_claim(num_detections, num_faces):
    claims = claim_faces(np.zeros((num_detections, 4)), np.full((num_faces, 4), 50.0), 0.5)
    assert_array_equal(claims, np.full(num_detections, -1))


def test_claims_in_chunks_are_the_same(monkeypatch):
    rng = np.random.default_rng(1)
    detections, faces = rng.uniform(0, 30, (100, 4)), rng.uniform(0, 30, (7, 4))
    at_once = claim_faces(detections, faces, 0.3)
    monkeypatch.setattr(matching, "_PAIRS_AT_ONCE", 30)  # 4 detections at a time
    assert_array_equal(claim_faces(detections, faces, 0.3), at_once)
    assert (at_once >= 0).any()
