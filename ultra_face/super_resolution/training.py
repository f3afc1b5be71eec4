"""The training run: steps, measurements, sample sheets, and files that a later run goes on from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader

from ultra_face.files.whole import replacing
from ultra_face.super_resolution.checkpoint import save_generator
from ultra_face.super_resolution.crops import Batch, Batches
from ultra_face.super_resolution.degrade import Pixels, enlarge
from ultra_face.super_resolution.held_out import Quality, by_network, comparison, mean_quality, measure_all, save_sheet
from ultra_face.super_resolution.trainer import Trainer

LAST = "last.pt"
SHEET_ROWS = 8

Progress = Callable[[Iterable[Batch], int], Iterable[Batch]]
"""Wraps the batches of a phase, of which there are so many, to show how far the work is."""


class Training:
    """A run in a folder: `last.pt` to go on from, `best-pixel.pt` and `best-adversarial.pt`, and `sheets/`.

    Args:
        trainer: the networks.
        batches: what they learn from, by step.
        held_out: sharp crops (tile, tile, 3) that measure them.
        output: the folder of the run.
        origin: what else the run depends on: its data, its judges.
        preview_every: steps between two sample sheets; 0 for one at the end of each phase.
        report: takes a line of text at every measurement.
    """

    def __init__(
        self,
        trainer: Trainer,
        batches: Batches,
        held_out: Sequence[Pixels],
        output: Path,
        *,
        origin: Mapping[str, Any],
        preview_every: int = 0,
        report: Callable[[str], None] = print,
    ) -> None:
        self.trainer, self.batches, self.held_out, self.output = trainer, batches, held_out, output
        self.preview_every, self.report = preview_every, report
        self.done, self.best = 0, {"pixel": 0.0, "adversarial": 0.0}
        self.config = {
            **origin,
            **trainer.generator.architecture,
            "discriminator_width": trainer.discriminator.width,
            **asdict(trainer.settings),
            **asdict(batches.crops),
            **asdict(batches.degradation),
            "batch": batches.size,
            "seed": batches.seed,
        }

    def resume(self) -> None:
        """Take up the run in the folder.

        Raises:
            FileNotFoundError: there is none.
            ValueError: `last.pt` is damaged, or of a run with other settings.
        """
        file = self.output / LAST
        if not file.is_file():
            raise FileNotFoundError(f"{file}: expected a run to go on with, got no file; start without resume")
        try:
            state = torch.load(file, map_location=self.trainer.device, weights_only=True)
            config, done, best = state["config"], state["done"], state["best"]
        except Exception as error:  # whatever torch.load meets in a damaged file
            raise ValueError(f"{file}: expected the state of a run, got a damaged file; start anew") from error
        for name, value in self.config.items():
            if config.get(name) != value:
                raise ValueError(
                    f"{file}: expected {name} {value} as asked for, got a run with {config.get(name)}; "
                    "resume with the settings of that run, or choose another output folder"
                )
        self.trainer.restore(state["trainer"])
        self.done, self.best = done, best

    def start(self) -> None:
        """Begin a new run.

        Raises:
            FileExistsError: the folder holds one.
        """
        if (self.output / LAST).exists():
            raise FileExistsError(
                f"{self.output}: expected a folder without a run, got one with {LAST}; "
                "resume it, or choose another output folder"
            )
        bicubic = measure_all(partial(enlarge, scale=self.batches.scale), self.held_out, scale=self.batches.scale)
        self.report(f"bicubic: {_in_words(bicubic)}")

    def run(self, *, workers: int = 0, progress: Progress = lambda batches, _: batches) -> None:
        """Train to the end; an interruption keeps what there is and passes on.

        Args:
            workers: processes that prepare batches.
            progress: shows how far a phase is.

        Raises:
            OutputError: a file cannot be written.
            ValueError: an image does not decode.
        """
        settings = self.trainer.settings
        try:
            for stop in (settings.pixel_steps, settings.num_steps):
                if self.done < stop:
                    steps = range(self.done, stop)
                    loader = DataLoader(self.batches, batch_size=None, sampler=steps, num_workers=workers)
                    for batch in progress(loader, len(steps)):
                        losses = self.trainer.step(self.done, batch)
                        self.done += 1
                        self._after_step(losses, end_of_phase=self.done == stop)
        finally:
            self._save_state()

    def _after_step(self, losses: Mapping[str, float], *, end_of_phase: bool) -> None:
        if end_of_phase or self.done % self.trainer.settings.evaluate_every == 0:
            self._evaluate(losses)
            self._save_state()
        if end_of_phase or (self.preview_every and self.done % self.preview_every == 0):
            ours = by_network(self.trainer.generator, self.trainer.device)
            columns = comparison(ours, self.held_out[:SHEET_ROWS], scale=self.batches.scale)
            save_sheet(self.output / "sheets" / f"{self._phase()}-{self.done:06d}.png", columns)

    def _evaluate(self, losses: Mapping[str, float]) -> None:
        """Measure, report, and keep the generator if it is the best of its phase."""
        ours = by_network(self.trainer.generator, self.trainer.device)
        found = measure_all(ours, self.held_out, scale=self.batches.scale)
        phase, psnr = self._phase(), mean_quality(found.values()).psnr
        terms = ", ".join(f"{name} {value:.4g}" for name, value in losses.items())
        self.report(f"{phase} step {self.done}: {_in_words(found)}; {terms}")
        if psnr > self.best[phase]:
            self.best[phase] = psnr
            measured = {name: asdict(quality) for name, quality in found.items()}
            record = {"config": self.config, "step": self.done, "held_out": measured, "torch": str(torch.__version__)}
            save_generator(self.output / f"best-{phase}.pt", self.trainer.generator, **record)

    def _phase(self) -> str:
        """The phase of the last step."""
        return "adversarial" if self.trainer.settings.is_adversarial(self.done - 1) else "pixel"

    def _save_state(self) -> None:
        state = {"config": self.config, "done": self.done, "best": self.best, "trainer": self.trainer.state()}
        with replacing(self.output / LAST) as partial:
            torch.save(state, partial)


def _in_words(found: Mapping[str, Quality]) -> str:
    return ", ".join(f"{name} {quality}" for name, quality in found.items())
