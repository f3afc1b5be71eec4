"""Passes of a network over photographs: views are made, run in batches, read, mapped back and merged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from ultra_face.detection.images import Photograph
from ultra_face.detection.predictions import read_predictions
from ultra_face.detection.suppression import merge, suppress
from ultra_face.detection.views import Plan, View
from ultra_face.faces import Faces
from ultra_face.runtimes.network import Network


@dataclass(frozen=True)
class Passes:
    """How photographs are looked at.

    Attributes:
        network: what looks.
        plan: at which views of each photograph.
        confidence: only what scores higher counts.
        iou: of the suppression within a view.
        batch: most views that are run at once.
    """

    network: Network
    plan: Plan
    confidence: float
    iou: float
    batch: int

    def detect(self, photographs: Iterable[Photograph]) -> Iterator[tuple[Photograph, Faces]]:
        """Give each photograph with what is found in it [px of it], best first; a few are held at a time.

        An error of the photographs comes after what was found in those before it.
        """
        waiting: list[tuple[Photograph, list[View]]] = []
        try:
            for photograph in photographs:
                waiting.append((photograph, self.plan.views(photograph.hw)))
                if photograph.live or sum(len(views) for _, views in waiting) >= self.batch:
                    full, waiting = waiting, []
                    yield from self._detect(full)
        except Exception:
            yield from self._detect(waiting)
            raise
        yield from self._detect(waiting)

    def _detect(self, waiting: Sequence[tuple[Photograph, Sequence[View]]]) -> Iterator[tuple[Photograph, Faces]]:
        photographs = [photograph for photograph, _ in waiting]
        found: list[list[tuple[View, Faces]]] = [[] for _ in waiting]
        # Inputs of one size run together; what a photograph gives must not depend on the others.
        numbered = [(number, view) for number, (_, views) in enumerate(waiting) for view in views]
        numbered.sort(key=_input_hw)
        for input_hw, same_size in groupby(numbered, key=_input_hw):
            group = list(same_size)
            for start in range(0, len(group), self.batch):
                part = group[start : start + self.batch]
                for (number, view), seen in zip(part, self._run(photographs, part, input_hw), strict=True):
                    found[number].append((view, view.to_photograph(seen)))
        yield from zip(photographs, map(_merged, found), strict=True)

    def _run(
        self, photographs: Sequence[Photograph], views: Sequence[tuple[int, View]], input_hw: tuple[int, int]
    ) -> Iterator[Faces]:
        """Faces of each view [input px], suppressed."""
        inputs = np.empty((len(views), 3, *input_hw), np.float32)
        for planes, (number, view) in zip(inputs, views, strict=True):
            view.fill(planes, photographs[number].pixels)
        shown = [view.pixels(photographs[number].pixels) for number, view in views if self.network.sees_photographs]
        for output in self.network(inputs, shown):
            seen = read_predictions(output, self.network.signature, confidence=self.confidence)
            yield seen[suppress(seen.boxes_xyxy, seen.scores, iou=self.iou)]


def _input_hw(numbered: tuple[int, View]) -> tuple[int, int]:
    return numbered[1].letterbox.input_hw


def _merged(found: Sequence[tuple[View, Faces]]) -> Faces:
    """One list of what several views of a photograph show."""
    seen = Faces.concatenate([faces for _, faces in found])
    if len(found) == 1:
        return seen
    views = np.repeat(np.arange(len(found)), [len(faces) for _, faces in found])
    is_cut = np.concatenate([view.is_cut(faces) for view, faces in found])
    return seen[merge(seen.boxes_xyxy, seen.scores, views, is_cut)]
