"""The logistic fit: it finds a law that boxes were drawn by, weighs photographs, and refuses what it cannot fit."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ultra_face.calibration.fit import Fit, fit, logits, photograph_weights

LAW = {"gain": 1.7, "slope": 0.6, "offset": -0.4}


def drawn(number: int, *, seed: int, law: dict[str, float] = LAW) -> tuple[np.ndarray, ...]:
    """Scores, sides, whether each box is right by the law, and its photograph, of which each has ten."""
    random = np.random.default_rng(seed)
    logit, doublings = random.normal(0, 1.5, number), random.uniform(-2, 3, number)
    chance = 1 / (1 + np.exp(-(law["gain"] * logit + law["slope"] * doublings + law["offset"])))
    return logit, doublings, random.random(number) < chance, np.arange(number) // 10


def test_a_law_comes_back_from_20000_boxes() -> None:
    found = fit(*drawn(20_000, seed=0))
    assert found.slope == pytest.approx(LAW["slope"], abs=0.05)
    assert found.gain == pytest.approx(LAW["gain"], abs=0.08)
    assert found.offset == pytest.approx(LAW["offset"], abs=0.08)
    assert found.order_slope == pytest.approx(LAW["slope"] / LAW["gain"], abs=0.05)


def test_standard_errors_are_the_spread_over_draws() -> None:
    fits = [fit(*drawn(2_000, seed=seed)) for seed in range(40)]
    spread = np.std([found.order_slope for found in fits], ddof=1)
    # The standard deviation of 40 draws is itself known to 1 / sqrt(78) = 11 %; three times that is allowed.
    assert np.mean([found.order_slope_error for found in fits]) == pytest.approx(spread, rel=0.34)


def test_what_is_calibrated_has_nothing_left_to_mend() -> None:
    logit, doublings, right, images = drawn(20_000, seed=1)
    first = fit(logit, doublings, right, images)
    again = fit(first.gain * logit + first.slope * doublings + first.offset, doublings, right, images)
    # The same likelihood in other words: its best values are these, to what the solver stops at.
    assert (again.gain, again.slope, again.offset) == pytest.approx((1, 0, 0), abs=1e-3)


def test_one_crowd_does_not_decide() -> None:
    crowd = {"gain": 1.0, "slope": -1.0, "offset": 0.0}
    law = {"gain": 1.0, "slope": 1.0, "offset": 0.0}
    many, one = drawn(4_000, seed=2, law=law), drawn(4_000, seed=3, law=crowd)
    joined = [np.concatenate(pair) for pair in zip(many, one, strict=True)]
    joined[3] = np.concatenate([many[3], np.full(4_000, 400)])
    # 400 photographs of 10 boxes weigh 400 sqrt(10) = 1265, one of 4,000 weighs sqrt(4000) = 63: a twentieth.
    assert fit(*joined).slope > 0.7


def test_weights_are_one_over_the_root_of_boxes_and_one_in_the_mean() -> None:
    weights = photograph_weights(np.array([3, 3, 3, 3, 8]))
    np.testing.assert_allclose(weights / weights[4], [0.5, 0.5, 0.5, 0.5, 1])
    assert weights.mean() == pytest.approx(1)


def test_logits_undo_the_sigmoid_and_stay_finite() -> None:
    values = np.array([-3.0, 0.0, 5.0])
    np.testing.assert_allclose(logits(1 / (1 + np.exp(-values))), values, atol=1e-9)
    assert np.isfinite(logits(np.array([0.0, 1.0]))).all()


def test_the_error_of_a_quotient() -> None:
    # slope / gain = 2; d = -slope / gain^2 x 0.1 for the gain, 1 / gain x 0.3 for the slope: sqrt(0.1^2 + 0.15^2)
    found = Fit(2.0, 4.0, 0.0, ((0.01, 0, 0), (0, 0.09, 0), (0, 0, 1)))
    assert found.order_slope == 2
    assert found.order_slope_error == pytest.approx(math.sqrt(0.01 + 0.0225))


def test_too_few_right_or_wrong_boxes() -> None:
    logit, doublings, _, images = drawn(100, seed=4)
    right = np.arange(100) < 29
    with pytest.raises(ValueError, match="expected at least 30 right and 30 wrong boxes, got 29 and 71; add photogr"):
        fit(logit, doublings, right, images)
    with pytest.raises(ValueError, match="got 100 and 0"):
        fit(logit, doublings, np.ones(100, bool), images)


def test_scores_that_are_no_numbers() -> None:
    logit, doublings, right, images = drawn(1_000, seed=5)
    logit[7] = math.nan
    with pytest.raises(ValueError, match="expected scores and sides that are numbers, got NaN or infinity"):
        fit(logit, doublings, right, images)


def test_scores_that_fall_as_chances_rise() -> None:
    logit, doublings, right, images = drawn(1_000, seed=6)
    with pytest.raises(ValueError, match="expected scores that rise with the chance of being right, got a gain of -"):
        fit(-logit, doublings, right, images)
