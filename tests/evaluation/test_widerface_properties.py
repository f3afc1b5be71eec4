"""What must hold for any detector, and agreement with the slow second implementation, on random images."""

from __future__ import annotations

import numpy as np
import oracle
import pytest
from numpy.testing import assert_allclose

from ultra_face.evaluation.ground_truth import GroundTruth
from ultra_face.evaluation.protocol import evaluate

SEEDS = range(12)
STEP = 0.02


def random_images(rng, *, num_images=6):
    """Boxes, counted faces and detections by image: near hits, duplicates, false alarms, ties, empty images.

    Scores are multiples of 0.02 in 0.1..1, so that any two are more than a thousandth of their range apart.
    """
    boxes, counted, predictions = {}, {}, {}
    for number in range(num_images):
        name = f"{number % 2}--Event/{number}"
        num_faces = rng.integers(0, 9)
        faces = np.hstack([rng.integers(0, 60, (num_faces, 2)), rng.integers(1, 25, (num_faces, 2))]).astype(float)
        copies = faces[rng.integers(0, num_faces, rng.integers(0, 12))] if num_faces else faces
        near = copies + rng.normal(0, 1.5, copies.shape)
        far = rng.uniform(0, 60, (rng.integers(0, 6), 4))
        found = np.vstack([near, far])
        found[:, 2:] = np.maximum(found[:, 2:], 0)
        scores = 0.1 + STEP * rng.integers(0, 46, (len(found), 1))
        boxes[name] = faces
        counted[name] = rng.random(num_faces) < 0.6
        predictions[name] = np.hstack([found, scores])
    return boxes, counted, predictions


def average_precision(boxes, counted, predictions):
    return evaluate(GroundTruth.from_arrays(boxes, {"hard": counted}), predictions).subsets()["hard"].ap


@pytest.mark.parametrize("seed", SEEDS)
def test_agrees_with_the_literal_protocol(seed):
    boxes, counted, predictions = random_images(np.random.default_rng(seed))
    expected = oracle.average_precision(
        {name: faces.tolist() for name, faces in boxes.items()},
        {name: set(np.flatnonzero(mask)) for name, mask in counted.items()},
        {name: rows.tolist() for name, rows in predictions.items()},
    )
    assert 0 < expected < 1
    assert_allclose(average_precision(boxes, counted, predictions), expected, rtol=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_scores_that_crowd_one_threshold_agree_with_the_literal_protocol(seed):
    rng = np.random.default_rng(seed)
    boxes, counted, predictions = random_images(rng)
    for rows in predictions.values():
        rows[:, 4] = rng.normal(0, 1, len(rows)).round(3) ** 3  # most values near 0, some negative, long tails
    expected = oracle.average_precision(
        {name: faces.tolist() for name, faces in boxes.items()},
        {name: set(np.flatnonzero(mask)) for name, mask in counted.items()},
        {name: rows.tolist() for name, rows in predictions.items()},
    )
    assert_allclose(average_precision(boxes, counted, predictions), expected, rtol=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_order_of_images_and_of_detections_does_not_matter(seed):
    rng = np.random.default_rng(seed)
    boxes, counted, predictions = random_images(rng)
    names = rng.permutation(list(boxes)).tolist()
    shuffled = {name: rng.permutation(predictions[name]) for name in reversed(names)}
    assert average_precision({n: boxes[n] for n in names}, {n: counted[n] for n in names}, shuffled) == (
        average_precision(boxes, counted, predictions)
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_a_false_alarm_below_every_score_never_raises_average_precision(seed):
    # A new lowest score moves all normalised scores; each keeps a threshold of its own (see random_images).
    # Otherwise a curve sampled at other places might differ by a hair in either direction.
    boxes, counted, predictions = random_images(np.random.default_rng(seed))
    name = next(iter(boxes))
    worse = {**predictions, name: np.vstack([predictions[name], [900, 900, 5, 5, 0.1 - STEP]])}
    assert average_precision(boxes, counted, worse) <= average_precision(boxes, counted, predictions)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_perfect_detector_gets_100(seed):
    rng = np.random.default_rng(seed)
    drawn, _, _ = random_images(rng)
    boxes = {name: np.unique(faces, axis=0) for name, faces in drawn.items()}  # equal boxes cannot be told apart
    counted = {name: np.ones(len(faces), bool) for name, faces in boxes.items()}
    found = {name: np.hstack([faces, rng.random((len(faces), 1))]) for name, faces in boxes.items()}
    assert average_precision(boxes, counted, found) == 1.0


@pytest.mark.parametrize("seed", SEEDS)
def test_scale_and_offset_of_the_scores_do_not_matter(seed):
    boxes, counted, predictions = random_images(np.random.default_rng(seed))
    logits = {name: rows * [1, 1, 1, 1, 8] - [0, 0, 0, 0, 5] for name, rows in predictions.items()}
    assert_allclose(average_precision(boxes, counted, logits), average_precision(boxes, counted, predictions))
