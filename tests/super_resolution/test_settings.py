from __future__ import annotations

import pytest

from ultra_face.super_resolution.settings import TrainingSettings, falling


def test_rate_falls_on_half_a_cosine():
    assert falling(2.0, 0, 10) == 2.0
    assert falling(2.0, 5, 10) == pytest.approx(2.0 * (1 + 0.01) / 2)
    assert falling(2.0, 10, 10) == pytest.approx(0.02)


def test_each_phase_has_its_rate():
    settings = TrainingSettings(pixel_steps=4, adversarial_steps=2, pixel_rate=1.0, adversarial_rate=0.1)
    assert [settings.is_adversarial(step) for step in range(6)] == [False] * 4 + [True] * 2
    assert [settings.rate(step) for step in (0, 4)] == [1.0, pytest.approx(0.1)]
    assert settings.rate(3) < settings.rate(2)


@pytest.mark.parametrize("name", ["pixel_steps", "pixel_rate", "adversarial_weight", "detector_weight"])
def test_no_negative_values(name):
    with pytest.raises(ValueError, match=f"{name}: expected a finite number of at least 0, got -1"):
        TrainingSettings(**{name: -1})


def test_no_step():
    with pytest.raises(ValueError, match="pixel_steps, adversarial_steps: expected at least one step in all, got none"):
        TrainingSettings(pixel_steps=0, adversarial_steps=0)


def test_no_measurement():
    with pytest.raises(ValueError, match="evaluate_every: expected at least 1, got 0"):
        TrainingSettings(evaluate_every=0)
