from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from ultra_face.eval.operating_point import best_operating_point, operating_point_at

# five proposals, three of which are the best on a face; four faces count
PROPOSALS = np.array([0.9, 0.8, 0.7, 0.6, 0.5])
FACES = np.array([0.9, 0.7, 0.5])


@pytest.mark.parametrize(
    ("confidence", "precision", "recall", "f1"),
    [
        (0.9, 1 / 1, 1 / 4, 2 / 5),
        (0.7, 2 / 3, 2 / 4, 4 / 7),
        (0.65, 2 / 3, 2 / 4, 4 / 7),
        (0.0, 3 / 5, 3 / 4, 6 / 9),
    ],
)
def test_at_a_confidence(confidence, precision, recall, f1):
    point = operating_point_at(PROPOSALS, FACES, 4, confidence)
    assert_allclose((point.precision, point.recall, point.f1), (precision, recall, f1))
    assert_allclose(point.f1, 2 * precision * recall / (precision + recall))


def test_best():
    # F1 at 0.9, 0.8, 0.7, 0.6, 0.5: 2/5, 2/6, 4/7, 4/8, 6/9
    point = best_operating_point(PROPOSALS, FACES, 4)
    assert point.confidence == 0.5
    assert_allclose(point.f1, 6 / 9)


def test_of_equal_f1_the_highest_confidence_wins():
    # F1 at 0.9: 2/4; at 0.5: 4/8
    point = best_operating_point(np.array([0.9, 0.5, 0.5, 0.5, 0.5]), np.array([0.9, 0.5]), 3)
    assert point.confidence == 0.9


def test_above_every_score_nothing_is_kept():
    point = operating_point_at(PROPOSALS, FACES, 4, 0.95)
    assert np.isnan(point.precision)
    assert (point.recall, point.f1) == (0, 0)


def test_without_faces_there_is_no_recall():
    point = operating_point_at(PROPOSALS, np.zeros(0), 0, 0.5)
    assert np.isnan(point.recall)
    assert (point.precision, point.f1) == (0, 0)


def test_without_detections_there_is_no_confidence():
    point = best_operating_point(np.zeros(0), np.zeros(0), 4)
    assert np.isnan(point.confidence)
    assert (point.recall, point.f1) == (0, 0)
    assert np.isnan(best_operating_point(np.zeros(0), np.zeros(0), 0).f1)
