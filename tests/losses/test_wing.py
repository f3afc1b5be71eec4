"""The wing loss: value, slope and joint, derived from its formula."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from ultra_face.losses.wing import wing


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
