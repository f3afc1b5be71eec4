from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from ultra_face.evaluation.curve import (
    PrecisionRecall,
    average_precision,
    best_operating_point,
    first_threshold,
    normalise_scores,
    operating_point_at,
    score_thresholds,
)


def test_thresholds_fall_to_exactly_zero():
    thresholds = score_thresholds(1000)
    assert_array_equal(thresholds, [1 - (t + 1) / 1000 for t in range(1000)])
    assert thresholds[-1] == 0


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([2.0, 4.0, 3.0], [0, 1, 0.5]),
        ([-1.0, 1.0], [0, 1]),
        ([0.3, 0.3], [1, 1]),
        ([], []),
    ],
)
def test_normalised_scores(scores, expected):
    assert_allclose(normalise_scores(np.array(scores)), expected)


def test_first_threshold_is_the_highest_that_a_score_reaches():
    # thresholds 0.75, 0.5, 0.25, 0
    reached = first_threshold(np.array([1, 0.75, 0.7, 0.5, 0.26, 0.25, 0.1, 0]), score_thresholds(4))
    assert_array_equal(reached, [0, 0, 1, 1, 2, 2, 3, 3])


def test_average_precision_is_the_area_under_the_best_precision_at_or_beyond():
    # R 0.25 at P 0.5, R 0.5 at P 0.75, R 1 at P 0.4: 0.5 is lifted to 0.75
    expected = 0.5 * 0.75 + 0.5 * 0.4
    assert_allclose(average_precision(np.array([0.5, 0.75, 0.4]), np.array([0.25, 0.5, 1.0])), expected)


def test_recall_never_reached_adds_nothing():
    assert_allclose(average_precision(np.array([1.0]), np.array([0.25])), 0.25)


def test_curve_of_counts():
    curve = PrecisionRecall(4, score_thresholds(3), np.array([0, 2, 4]), np.array([0, 2, 3]))
    assert_array_equal(curve.precision, [0, 1, 0.75])
    assert_array_equal(curve.recall, [0, 0.5, 0.75])
    assert_allclose(curve.ap, 0.5 * 1 + 0.25 * 0.75)


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
