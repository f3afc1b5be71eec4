from __future__ import annotations

import numpy as np
from numpy.testing import assert_array_equal

from ultra_face.eval.pairing import LandmarkFaces, join_pairs, pair_faces, pair_images, pair_landmarks


def faces(*boxes, visible=True, scores=None):
    rows = np.array(boxes, float).reshape(-1, 4)
    points = np.repeat(rows[:, None, :2], 5, axis=1)  # all landmarks at the corner, to tell faces apart
    shown = np.full((len(rows), 5), visible)
    return LandmarkFaces(rows, points, shown, np.ones(len(rows)) if scores is None else np.array(scores))


def test_the_higher_score_chooses_first_and_a_face_is_taken_once():
    annotated = np.array([[0.0, 0, 9, 9], [0, 2, 9, 9]])  # rows 0..9 and 2..11
    boxes = np.array([[0.0, 0, 9, 9], [0, 1, 9, 9]])  # the second overlaps both by 90/110
    assert_array_equal(pair_faces(boxes, np.array([0.9, 0.8]), annotated), [[0, 0], [1, 1]])
    assert_array_equal(pair_faces(boxes, np.array([0.8, 0.9]), annotated), [[1, 0], [0, 1]])
    # 100/100 is taken; what is left for the other overlaps by 80/120
    assert_array_equal(pair_faces(boxes, np.array([0.8, 0.9]), annotated, iou_threshold=0.7), [[1, 0]])


def test_no_pairs():
    none, one = np.zeros((0, 4)), np.array([[0.0, 0, 9, 9]])
    assert pair_faces(none, np.zeros(0), one).shape == (0, 2)
    assert pair_faces(one, np.ones(1), none).shape == (0, 2)
    assert pair_faces(one, np.ones(1), one + 100).shape == (0, 2)


def test_faces_without_landmarks_take_no_part():
    annotated = faces([0, 0, 9, 9], [100, 0, 9, 9])
    annotated.visible[0] = False
    pairs = pair_landmarks(faces([100, 1, 9, 9], [0, 0, 9, 9]), annotated)
    assert pairs.num_annotated == 1
    assert_array_equal(pairs.boxes_xywh, [[100, 0, 9, 9]])
    assert_array_equal(pairs.predicted[:, 0], [[100, 1]])
    assert_array_equal(pairs.annotated[:, 0], [[100, 0]])


def test_images_are_joined():
    predictions = {"a": faces([0, 0, 9, 9]), "b": faces(), "c": faces([7, 7, 9, 9])}
    annotations = {"a": faces([0, 0, 9, 9]), "b": faces([0, 0, 9, 9]), "c": faces([7, 7, 9, 9])}
    pairs = pair_images(predictions, annotations)
    assert pairs.num_annotated == 3
    assert_array_equal(pairs.boxes_xywh[:, 0], [0, 7])


def test_nothing_to_join():
    pairs = join_pairs([])
    assert pairs.predicted.shape == (0, 5, 2)
    assert pairs.visible.shape == (0, 5)
    assert pairs.num_annotated == 0
