from __future__ import annotations

import numpy as np
import oracle
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from ultra_face.evaluation import matching
from ultra_face.evaluation.matching import (
    claim_faces,
    inclusive_iou,
    join_pairs,
    pair_faces,
    pair_images,
    pair_landmarks,
)
from ultra_face.faces import Faces
from ultra_face.formats.annotation import FaceAnnotations


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


def faces(*boxes, scores=None):
    rows = np.array(boxes, float).reshape(-1, 4)
    points = np.repeat(rows[:, None, :2], 5, axis=1)  # all landmarks at the corner, to tell faces apart
    corners = np.concatenate([rows[:, :2], rows[:, :2] + rows[:, 2:]], axis=1)
    return Faces(corners, points, np.ones(len(rows)) if scores is None else np.array(scores))


def annotated_faces(*boxes):
    rows = np.array(boxes, float).reshape(-1, 4)
    points = np.repeat(rows[:, None, :2], 5, axis=1)
    landmarks = np.concatenate([points, np.full((len(rows), 5, 1), 2.0)], axis=2)
    return FaceAnnotations("a.jpg", "a.txt:1", rows, landmarks, np.zeros(len(rows), bool))


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
    annotated = annotated_faces([0, 0, 9, 9], [100, 0, 9, 9])
    annotated.landmarks[0] = 0
    pairs = pair_landmarks(faces([100, 1, 9, 9], [0, 0, 9, 9]), annotated)
    assert pairs.num_annotated == 1
    assert_array_equal(pairs.boxes_xywh, [[100, 0, 9, 9]])
    assert_array_equal(pairs.predicted[:, 0], [[100, 1]])
    assert_array_equal(pairs.annotated[:, 0], [[100, 0]])


def test_images_are_joined():
    predictions = {"a": faces([0, 0, 9, 9]), "b": faces(), "c": faces([7, 7, 9, 9])}
    annotations = {
        "a": annotated_faces([0, 0, 9, 9]),
        "b": annotated_faces([0, 0, 9, 9]),
        "c": annotated_faces([7, 7, 9, 9]),
    }
    pairs = pair_images(predictions, annotations)
    assert pairs.num_annotated == 3
    assert_array_equal(pairs.boxes_xywh[:, 0], [0, 7])


def test_nothing_to_join():
    pairs = join_pairs([])
    assert pairs.predicted.shape == (0, 5, 2)
    assert pairs.visible.shape == (0, 5)
    assert pairs.num_annotated == 0
