"""The landmark terms against arithmetic by hand."""

from __future__ import annotations

import math

import pytest
import torch

from ultra_face.losses.landmarks import landmark_loss, visibility_loss
from ultra_face.losses.settings import FaceLossSettings

SETTINGS = FaceLossSettings(wing_width=10.0, wing_epsilon=2.0)


def test_mean_over_the_coordinates_of_visible_landmarks() -> None:
    predicted = torch.tensor([[[1.0, 0.0], [5.0, 5.0]], [[0.0, 0.0], [2.0, 15.0]]])
    target = torch.tensor([[[0.0, 0.0], [9.0, 9.0]], [[0.0, 0.0], [0.0, 0.0]]])
    visible = torch.tensor([[True, False], [False, True]])
    # Three of the four visible coordinates err: 1 and 2 give 10 ln(1 + 1/2) and 10 ln(1 + 2/2), 15 lies
    # beyond the joint and gives 15 - (10 - 10 ln 6).
    total = 10 * math.log(1.5) + 10 * math.log(2) + (5 + 10 * math.log(6))
    assert float(landmark_loss(predicted, target, visible, SETTINGS)) == pytest.approx(total / 4, rel=1e-6)


def test_no_visible_landmark_costs_nothing_and_pulls_nothing() -> None:
    predicted = torch.tensor([[[1.0, math.inf], [math.nan, 3.0]]], requires_grad=True)
    loss = landmark_loss(predicted, torch.zeros(1, 2, 2), torch.zeros(1, 2, dtype=torch.bool), SETTINGS)
    loss.backward()
    assert loss == 0
    assert not predicted.grad.any()


def test_no_face() -> None:
    none = torch.zeros(0, 5, 2)
    assert float(landmark_loss(none, none, torch.zeros(0, 5, dtype=torch.bool), SETTINGS)) == 0
    assert float(visibility_loss(torch.zeros(0, 5), torch.zeros(0, 5, dtype=torch.bool))) == 0


def test_visibility_is_a_mean_cross_entropy() -> None:
    logits = torch.tensor([[0.0, 2.0]])
    # -ln sigmoid(0) = ln 2 for the visible one; -ln(1 - sigmoid(2)) = ln(1 + e^2) for the hidden one.
    expected = (math.log(2) + math.log(1 + math.exp(2))) / 2
    assert float(visibility_loss(logits, torch.tensor([[True, False]]))) == pytest.approx(expected, rel=1e-6)


def test_faces_without_annotated_landmarks_are_left_out() -> None:
    annotated, unknown = torch.tensor([[True, False]]), torch.tensor([[False, False]])
    logits = torch.tensor([[0.5, -1.0], [9.0, 9.0]])
    both = visibility_loss(logits, torch.cat([annotated, unknown]))
    torch.testing.assert_close(both, visibility_loss(logits[:1], annotated))
    assert float(visibility_loss(logits[1:], unknown)) == 0
