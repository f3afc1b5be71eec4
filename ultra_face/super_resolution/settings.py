"""How a generator is trained."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields


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
