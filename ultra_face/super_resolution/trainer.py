"""A training step of the SRGAN, its settings, and the state that it goes on from. Source: Ledig et al. 2017, 3.2."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss
from torch.optim import Adam

from ultra_face.nn.srgan import Discriminator, Generator
from ultra_face.super_resolution.crops import Batch
from ultra_face.super_resolution.losses import adversarial_loss, discriminator_loss, total_variation

Compare = Callable[[Tensor, Tensor], Tensor]
"""Enlarged and sharp images RGB (B, 3, H, W) -> ()."""


@dataclass(frozen=True)
class TrainingSettings:
    """Two phases: the content loss alone, then with perceptual, adversarial and total variation loss.

    Attributes:
        pixel_steps: steps of the first phase.
        adversarial_steps: steps of the second phase.
        pixel_rate: learning rate of Adam at the start of the first phase; it falls on half a cosine to 1 %.
        adversarial_rate: the same for both networks in the second phase.
        perceptual_weight: of the perceptual loss, where there is a network for it.
        adversarial_weight: of the adversarial loss (Ledig et al. 2017, equation 3).
        variation_weight: of the total variation (Ledig et al., first version of the preprint).
        detector_weight: of the detector's loss in both phases, where there is a detector.
        evaluate_every: steps between two measurements on held-out crops.
        bfloat16: run the networks in bfloat16, the losses in float32.

    Raises:
        ValueError: a negative or infinite value, no step at all, or no step between measurements.
    """

    pixel_steps: int = 20_000
    adversarial_steps: int = 5_000
    pixel_rate: float = 1e-3
    adversarial_rate: float = 1e-4
    perceptual_weight: float = 6e-3
    adversarial_weight: float = 1e-3
    variation_weight: float = 2e-8
    detector_weight: float = 0.02
    evaluate_every: int = 500
    bfloat16: bool = False

    def __post_init__(self) -> None:
        """Check the ranges."""
        for field in fields(self):
            value = getattr(self, field.name)
            if not 0 <= value < math.inf:
                raise ValueError(f"{field.name}: expected a finite number of at least 0, got {value}")
        if self.num_steps == 0:
            raise ValueError("pixel_steps, adversarial_steps: expected at least one step in all, got none")
        if self.evaluate_every == 0:
            raise ValueError("evaluate_every: expected at least 1, got 0")

    @property
    def num_steps(self) -> int:
        """Steps of both phases."""
        return self.pixel_steps + self.adversarial_steps

    def is_adversarial(self, step: int) -> bool:
        """Whether a step, counted from 0 through both phases, is one of the second phase."""
        return step >= self.pixel_steps

    def rate(self, step: int) -> float:
        """Learning rate of a step."""
        if self.is_adversarial(step):
            return falling(self.adversarial_rate, step - self.pixel_steps, self.adversarial_steps)
        return falling(self.pixel_rate, step, self.pixel_steps)


def falling(start: float, step: int, num_steps: int, *, end: float = 0.01) -> float:
    """Half a cosine from `start` at step 0 towards `end` x `start` at step `num_steps`."""
    return start * (end + (1 - end) * (1 + math.cos(math.pi * step / num_steps)) / 2)


class Trainer:
    """Both networks and their optimisers.

    Args:
        generator: the network to train.
        discriminator: its opponent in the second phase.
        settings: steps, rates and weights.
        content: compares pixels; Ledig et al. take `mse_loss`.
        perceptual: compares features in the second phase, if given.
        detection: loss of a detector on the enlarged images of a batch, if given.
        device: where to train.
    """

    def __init__(
        self,
        generator: Generator,
        discriminator: Discriminator,
        settings: TrainingSettings,
        *,
        content: Compare = l1_loss,
        perceptual: Compare | None = None,
        detection: Callable[[Tensor, Batch], Tensor] | None = None,
        device: torch.device | str = "cpu",
    ) -> None:
        self.device, self.settings = torch.device(device), settings
        self.generator = generator.to(self.device).to(memory_format=torch.channels_last)
        self.discriminator = discriminator.to(self.device).to(memory_format=torch.channels_last)
        self.content, self.perceptual, self.detection = content, perceptual, detection
        self.optimisers = {
            name: Adam(network.parameters())
            for name, network in (("generator", self.generator), ("discriminator", self.discriminator))
        }

    def step(self, step: int, batch: Batch) -> dict[str, float]:
        """Train on a batch; returns the weighted terms of the generator's loss and the discriminator's."""
        batch = batch.to(self.device)
        adversarial = self.settings.is_adversarial(step)
        self._set_rate(self.settings.rate(step))
        enlarged = self._run(self.generator.train(), batch.low)
        losses = {"discriminator": self._train_discriminator(enlarged.detach(), batch.high)} if adversarial else {}
        terms = self._terms(enlarged, batch, adversarial=adversarial)
        self._update("generator", torch.stack(list(terms.values())).sum())
        return losses | {name: float(term.detach()) for name, term in terms.items()}

    def state(self) -> dict[str, Any]:
        """Weights and optimisers of both networks."""
        return {
            "generator": self.generator.state_dict(),
            "discriminator": self.discriminator.state_dict(),
            "optimisers": {name: optimiser.state_dict() for name, optimiser in self.optimisers.items()},
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self.generator.load_state_dict(state["generator"])
        self.discriminator.load_state_dict(state["discriminator"])
        for name, optimiser in self.optimisers.items():
            optimiser.load_state_dict(state["optimisers"][name])

    def _terms(self, enlarged: Tensor, batch: Batch, *, adversarial: bool) -> dict[str, Tensor]:
        """The weighted terms of the generator's loss."""
        weights = self.settings
        terms = {"content": self.content(enlarged, batch.high)}
        if self.detection is not None:
            terms["detection"] = weights.detector_weight * self.detection(enlarged, batch)
        if not adversarial:
            return terms
        if self.perceptual is not None:
            terms["perceptual"] = weights.perceptual_weight * self.perceptual(enlarged, batch.high)
        logits = self._run(self.discriminator.requires_grad_(False), enlarged)
        terms["adversarial"] = weights.adversarial_weight * adversarial_loss(logits)
        terms["variation"] = weights.variation_weight * total_variation(enlarged)
        return terms

    def _train_discriminator(self, enlarged: Tensor, sharp: Tensor) -> float:
        """Teach the discriminator both kinds of images, each in a batch of its own: the norms would tell them apart."""
        discriminator = self.discriminator.train().requires_grad_(True)
        loss = discriminator_loss(self._run(discriminator, sharp), self._run(discriminator, enlarged))
        self._update("discriminator", loss)
        return float(loss.detach())

    def _run(self, network: nn.Module, images: Tensor) -> Tensor:
        """Outputs of a network in float32."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.settings.bfloat16):
            outputs: Tensor = network(images.contiguous(memory_format=torch.channels_last))
        return outputs.float()

    def _update(self, name: str, loss: Tensor) -> None:
        optimiser = self.optimisers[name]
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()

    def _set_rate(self, rate: float) -> None:
        for optimiser in self.optimisers.values():
            for group in optimiser.param_groups:
                group["lr"] = rate
