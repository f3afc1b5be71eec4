"""Which score to ask for so that a given share of the boxes is right: a table that a network's file carries.

It says what held on some photographs. On harder ones fewer boxes of that score are right, on easier ones more.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

KEY = "score_table"
"""Attribute of the model in a checkpoint, and entry in the notes of its exports."""

PRECISIONS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.97, 0.98, 0.99, 0.995, 0.999)
SCORES = np.round(np.arange(0.02, 1.0, 0.001), 3)
"""Among which the score of each precision is looked for."""

FEWEST = 30
"""Boxes from which on a share means something."""

REMEDY = "name a score with conf, or make a table with `ultra-face calibrate`"


@dataclass(frozen=True)
class ScoreTable:
    """Scores by precision, as measured on photographs.

    Attributes:
        rows: precision, the least score above which this share of the boxes is right, and the share of the faces that
            such boxes find; by rising precision, without those that no score reaches.
        images: photographs that it was measured on.
        faces: labelled in them.
        imgsz: longer side of the input [px].
        data: the photographs in words.
    """

    rows: tuple[tuple[float, float, float], ...]
    images: int
    faces: int
    imgsz: int
    data: str

    @classmethod
    def measure(
        cls,
        scores: NDArray[np.float64],
        right: NDArray[np.bool_],
        *,
        images: int,
        faces: int,
        imgsz: int,
        data: str,
    ) -> ScoreTable:
        """Look for the least score of each precision.

        Args:
            scores: (n,) of boxes.
            right: (n,) whether each is.
            images: see the attributes, as the others.
            faces: a right box finds one of them.
            imgsz: longer side of the input [px].
            data: in words.
        """
        order = np.argsort(-scores, kind="stable")
        counts = np.searchsorted(-scores[order], -SCORES, side="left")  # boxes that score higher
        found = np.append(0, np.cumsum(right[order]))[counts]
        shares = np.divide(found, counts, out=np.zeros(len(SCORES)), where=counts >= FEWEST)
        rows = []
        for precision in PRECISIONS:
            reached = np.flatnonzero(shares >= precision)
            if len(reached):
                rows.append((precision, float(SCORES[reached[0]]), round(float(found[reached[0]]) / faces, 4)))
        return cls(tuple(rows), images, faces, imgsz, data)

    def score(self, precision: float) -> float:
        """The score for a share of right boxes: that of the next precision of the table, where it lies between two.

        Raises:
            ValueError: no share, or one that no score of the table reaches.
        """
        if not 0 < precision < 1:
            raise ValueError(f"precision: expected a share between 0 and 1, got {precision!r}")
        for reached, score, _ in self.rows:
            if reached >= precision:
                return score
        most = f"at most {self.rows[-1][0]:g}" if self.rows else "none"
        raise ValueError(
            f"precision: expected a share that the model reaches, {most} on {self.images:,} photographs ({self.data}), "
            f"got {precision:g}; ask for less, or name a score with conf"
        )

    def noted(self) -> dict[str, Any]:
        """The table in lists and numbers, as files carry it."""
        return {
            "rows": [list(row) for row in self.rows],
            "images": self.images,
            "faces": self.faces,
            "imgsz": self.imgsz,
            "data": self.data,
        }

    @classmethod
    def read(cls, noted: Any, source: object) -> ScoreTable | None:
        """What a file carries; None where it carries no table.

        Args:
            noted: what `noted` gave, or its text, which some formats make of it.
            source: the file, for errors.

        Raises:
            ValueError: something else stands there.
        """
        if noted is None:
            return None
        try:
            values = ast.literal_eval(noted) if isinstance(noted, str) else noted
            if not isinstance(values, Mapping):
                raise TypeError("no mapping")
            rows = tuple((float(precision), float(score), float(recall)) for precision, score, recall in values["rows"])
            counts = {name: int(values[name]) for name in ("images", "faces", "imgsz")}
            return cls(rows, data=str(values["data"]), **counts)
        except (KeyError, MemoryError, RecursionError, SyntaxError, TypeError, ValueError) as error:
            raise ValueError(
                f"{source}: expected a table of scores by precision under {KEY}, got something else ({error}); {REMEDY}"
            ) from error
