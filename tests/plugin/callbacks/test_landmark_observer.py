"""What the landmark observer reads from a batch of the validator: normalised labels, predictions in input pixels."""

from __future__ import annotations

import pytest
import torch

from ultra_face.plugin.callbacks.landmarks import LandmarkObserver

# one face over the left half of a 200 x 100 px input: box 80 x 80 px at (10, 10), five landmarks
BOX = [0.25, 0.5, 0.4, 0.8]
POINTS = [[0.15, 0.3], [0.35, 0.3], [0.25, 0.5], [0.18, 0.7], [0.32, 0.7]]


def batch(keypoints):
    return {
        "img": torch.zeros(2, 3, 100, 200),
        "batch_idx": torch.tensor([[1.0]]),
        "bboxes": torch.tensor([BOX]),
        "keypoints": torch.tensor([keypoints]),
    }


def prediction(*, shift):
    points = torch.tensor(POINTS) * torch.tensor([200.0, 100]) + torch.tensor([shift, 0.0])
    return {
        "bboxes": torch.tensor([[10.0, 10, 90, 90]]),
        "conf": torch.tensor([0.5]),
        "keypoints": torch.cat([points, torch.ones(5, 1)], dim=1)[None],
    }


@pytest.mark.parametrize("values", [2, 3])
def test_errors_of_a_shifted_face(values):
    observer = LandmarkObserver()
    keypoints = [[*point, 2.0][:values] for point in POINTS]
    observer.see(prediction(shift=8.0), 1, batch(keypoints))
    # 8 px of 80 px, and of the 40 px between the eyes
    assert observer.figures() == pytest.approx({"metrics/NME-box(L)": 0.1, "metrics/NME-eyes(L)": 0.2})


@pytest.mark.parametrize("values", [2, 3])
def test_landmarks_at_the_origin_are_not_annotated(values):
    observer = LandmarkObserver()
    keypoints = [[0.0] * values, *([*point, 2.0][:values] for point in POINTS[1:])]
    observer.see(prediction(shift=8.0), 1, batch(keypoints))
    figures = observer.figures()
    assert figures["metrics/NME-box(L)"] == pytest.approx(0.1)
    assert figures["metrics/NME-eyes(L)"] != figures["metrics/NME-eyes(L)"]  # one eye has no place: NaN


def test_faces_of_other_images_of_the_batch_are_left_alone():
    observer = LandmarkObserver()
    observer.see(prediction(shift=0.0), 0, batch([[*point, 2.0] for point in POINTS]))
    (pairs,) = observer.pairs
    assert pairs.num_annotated == 0
    assert len(pairs.predicted) == 0
