"""The wing loss: value, slope and joint, derived from its formula.

The landmark terms against arithmetic by hand.
"""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from ultra_face.losses import landmarks
from ultra_face.losses.landmarks import wing
from ultra_face.losses.settings import FaceLossSettings


def slope(x: float) -> float:
    error = torch.tensor(x, dtype=torch.float32, requires_grad=True)
    wing(error).backward()
    return float(error.grad)


@pytest.mark.parametrize(
    ("error", "loss"),
    [
        (0.0, 0.0),
        (2.0, 10 * math.log(1 + 2 / 2)),  # 6.931
        (-2.0, 10 * math.log(1 + 2 / 2)),
        (10.0, 10 * math.log(1 + 10 / 2)),  # 17.918, the joint
        (13.0, 13 - (10 - 10 * math.log(1 + 10 / 2))),  # 20.918, three beyond the joint
    ],
)
def test_values(error: float, loss: float) -> None:
    assert float(wing(torch.tensor(error))) == pytest.approx(loss, rel=1e-6)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (1e-6, 10 / 2),  # w / epsilon at zero
        (-1e-6, -10 / 2),
        (2.0, 10 / (2 + 2)),  # w / (epsilon + x)
        (9.999, 10 / (2 + 9.999)),
        (10.001, 1.0),
        (-500.0, -1.0),
    ],
)
def test_slopes(error: float, expected: float) -> None:
    assert slope(error) == pytest.approx(expected, rel=1e-5)


def test_gradient_at_zero_is_zero() -> None:
    assert slope(0.0) == 0.0


@pytest.mark.parametrize(("width", "epsilon"), [(10.0, 2.0), (5.0, 0.5), (0.3, 4.0)])
def test_the_two_pieces_meet(width: float, epsilon: float) -> None:
    around = torch.tensor([width - 1e-4, width + 1e-4])
    below, above = wing(around, width=width, epsilon=epsilon)
    # No slope is steeper than max(1, w / epsilon), so 2e-4 apart the values differ by no more than that.
    assert abs(float(above - below)) <= 2e-4 * max(1.0, width / epsilon) + 1e-6


def test_computed_in_float32() -> None:
    errors: Tensor = torch.tensor([60_000.0], dtype=torch.float16)
    loss = wing(errors)
    assert loss.dtype == torch.float32
    # Beyond the joint |x| - C with C = w - w ln(1 + w / epsilon).
    assert float(loss) == pytest.approx(float(errors) - (10 - 10 * math.log(6)), rel=1e-6)


SETTINGS = FaceLossSettings(wing_width=10.0, wing_epsilon=2.0)


def landmark_loss(predicted: Tensor, target: Tensor, visible: Tensor, settings: FaceLossSettings) -> Tensor:
    """Of faces of one size that count alike."""
    ones = torch.ones(len(predicted))
    return landmarks.landmark_loss(predicted, target, visible, settings, size=3 * ones, weight=ones)


def visibility_loss(logits: Tensor, visible: Tensor) -> Tensor:
    return landmarks.visibility_loss(logits, visible, weight=torch.ones(len(logits)))


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
