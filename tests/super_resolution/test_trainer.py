from __future__ import annotations

import copy

import pytest
import torch
from torch.nn.functional import l1_loss, mse_loss

from ultra_face.super_resolution.crops import Batch
from ultra_face.super_resolution.losses import FeatureLoss, adversarial_loss, total_variation
from ultra_face.super_resolution.trainer import Trainer, TrainingSettings, falling


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


SETTINGS = TrainingSettings(pixel_steps=100, adversarial_steps=10, pixel_rate=1e-2)
ADVERSARIAL = 100  # the first step of the second phase


@pytest.fixture
def batch():
    random = torch.Generator().manual_seed(0)
    return Batch(torch.rand(4, 3, 8, 8, generator=random), torch.rand(4, 3, 32, 32, generator=random), {})


def weights(network):
    return [parameter.detach().clone() for parameter in network.parameters()]


def unchanged(network, before):
    return [torch.equal(*pair) for pair in zip(network.parameters(), before, strict=True)]


def test_the_first_phase_learns_pixels_alone(generator, discriminator, batch):
    trainer = Trainer(generator, discriminator, SETTINGS)
    before = weights(discriminator)
    first, *_, last = (trainer.step(step, batch)["content"] for step in range(20))
    assert last < 0.9 * first
    assert all(unchanged(discriminator, before))
    assert list(trainer.step(20, batch)) == ["content"]


@pytest.mark.parametrize("content", [l1_loss, mse_loss])
def test_content_loss_is_a_choice(generator, discriminator, batch, content):
    expected = content(generator.train()(batch.low), batch.high).item()
    trainer = Trainer(generator, discriminator, SETTINGS, content=content)
    assert trainer.step(0, batch)["content"] == pytest.approx(expected, rel=1e-5)


def test_the_second_phase_trains_both(generator, discriminator, batch):
    trainer = Trainer(generator, discriminator, SETTINGS, perceptual=FeatureLoss(torch.nn.AvgPool2d(2)))
    before = [weights(network) for network in (generator, discriminator)]
    losses = trainer.step(ADVERSARIAL, batch)
    assert list(losses) == ["discriminator", "content", "perceptual", "adversarial", "variation"]
    assert not all(unchanged(generator, before[0]))
    assert not any(unchanged(discriminator, before[1]))


def test_terms_of_the_second_phase_have_their_weights(generator, discriminator, batch):
    settings = TrainingSettings(
        pixel_steps=0, adversarial_steps=1, adversarial_rate=0, adversarial_weight=3.0, variation_weight=5.0
    )
    losses = Trainer(generator, discriminator, settings).step(0, batch)  # at a rate of 0 nothing changes
    enlarged = generator.train()(batch.low)
    assert losses["adversarial"] == pytest.approx(3 * adversarial_loss(discriminator(enlarged)).item(), rel=1e-4)
    assert losses["variation"] == pytest.approx(5 * total_variation(enlarged).item(), rel=1e-4)


def test_the_generator_does_not_move_its_opponent(generator, discriminator, batch):
    """The opponent's gradients are those of its own loss, whatever the generator's loss weighs."""
    gradients = []
    for weight in (0.0, 1e6):
        settings = TrainingSettings(pixel_steps=0, adversarial_rate=0, adversarial_weight=weight)
        Trainer(generator, discriminator, settings).step(0, batch)
        gradients.append([parameter.grad.clone() for parameter in discriminator.parameters()])
    torch.testing.assert_close(*gradients)


def test_a_detector_joins_in_both_phases(generator, discriminator, batch):
    settings = TrainingSettings(pixel_steps=1, adversarial_steps=1, detector_weight=0.5)
    seen = []

    def detection(enlarged, faces):
        seen.append((enlarged.shape, enlarged.requires_grad, faces.high is not None))
        return enlarged.mean() * 0 + 4

    trainer = Trainer(generator, discriminator, settings, detection=detection)
    assert [trainer.step(step, batch)["detection"] for step in (0, 1)] == [2.0, 2.0]
    assert seen == [((4, 3, 32, 32), True, True)] * 2


def test_in_bfloat16_the_loss_stays_about_the_same(generator, discriminator, batch):
    expected = l1_loss(generator.train()(batch.low), batch.high).item()
    settings = TrainingSettings(bfloat16=True)
    # The untrained generator is the interpolation, which is computed in float32.
    assert Trainer(generator, discriminator, settings).step(0, batch)["content"] == pytest.approx(expected, rel=1e-5)


def test_goes_on_from_a_state(generator, discriminator, batch):
    trainer = Trainer(generator, discriminator, SETTINGS)
    steps = (0, 1, ADVERSARIAL, ADVERSARIAL + 1)
    for step in steps[:2]:
        trainer.step(step, batch)
    other = Trainer(type(generator)(4, 1, 8, light=True), type(discriminator)(4), SETTINGS)
    other.restore(copy.deepcopy(trainer.state()))
    for step in steps[2:]:
        assert other.step(step, batch) == trainer.step(step, batch)
