from __future__ import annotations

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from ultra_face.eval.landmarks import box_sizes, eye_distances, landmark_accuracy, normalised_errors

FACE = np.array([[10.0, 10], [20, 10], [15, 15], [11, 20], [19, 20]])
ALL = np.ones((1, 5), bool)


def test_box_size_is_the_geometric_mean_of_the_sides():
    assert_allclose(box_sizes(np.array([[0.0, 0, 4, 9], [5, 5, 0, 3]])), [6, 0])


def test_eye_distance_needs_both_eyes():
    without = np.array([[True, False, True, True, True]])
    assert_allclose(eye_distances(FACE[None], ALL), [10])
    assert_array_equal(eye_distances(FACE[None], without), [np.nan])


def test_errors_are_distances_over_size():
    # the nose is 3 right and 4 below its place: 5 px of 20 px
    predicted = FACE.copy()
    predicted[2] += [3, 4]
    errors = normalised_errors(predicted[None], FACE[None], ALL, np.array([20.0]))
    assert_allclose(errors, [[0, 0, 0.25, 0, 0]])


def test_errors_are_undefined_where_landmark_or_size_is():
    visible = np.array([[True, True, False, True, True]] * 3)
    errors = normalised_errors(np.stack([FACE] * 3), np.stack([FACE] * 3), visible, np.array([20.0, 0.0, np.nan]))
    assert_array_equal(errors, [[0, 0, np.nan, 0, 0], [np.nan] * 5, [np.nan] * 5])


def test_accuracy():
    # face errors: (0.02 + 0.04) / 2 = 0.03; 0.2; none defined
    errors = np.array([[0.02, 0.04], [np.nan, 0.2], [np.nan, np.nan]])
    accuracy = landmark_accuracy(errors)
    assert_allclose(accuracy.face_errors, [0.03, 0.2])
    assert_allclose(accuracy.nme, 0.115)
    assert_allclose(accuracy.failure_rate, 1 / 2)
    assert_allclose(accuracy.per_landmark, [0.02, 0.12])


def test_area_under_the_cumulative_error_curve():
    # at 0.1 the curve is 0 up to 0.03, then 1/2 of the faces: 0.5 * 0.07 of 0.1
    errors = np.array([[0.03], [0.2]])
    assert_allclose(landmark_accuracy(errors).auc, 0.5 * 0.7)
    assert_allclose(landmark_accuracy(np.zeros((3, 5))).auc, 1)
    # a fine sum over the curve gives the same
    many = np.random.default_rng(0).gamma(2, 0.03, (500, 1))
    x = (np.arange(20_000) + 0.5) / 20_000 * 0.1
    area = (many[:, 0][None] <= x[:, None]).mean()
    assert_allclose(landmark_accuracy(many).auc, area, atol=1e-4)


def test_an_error_of_exactly_the_threshold_is_no_failure():
    assert landmark_accuracy(np.array([[0.1], [0.11]])).failure_rate == 0.5
    assert landmark_accuracy(np.array([[0.1], [0.11]]), failure_threshold=0.2).failure_rate == 0


def test_accuracy_without_faces_is_undefined():
    accuracy = landmark_accuracy(np.zeros((0, 5)))
    assert np.isnan([accuracy.nme, accuracy.failure_rate, accuracy.auc, *accuracy.per_landmark]).all()
    assert accuracy.face_errors.shape == (0,)
