"""How often a box of some score and size is right: what a score means.

A box is right as the WIDER FACE protocol has it: it claims a face that counts, and no other box that claims the same
face scores higher. Boxes that claim a face that does not count are left out. Unlike in average precision, boxes in
images without any face are wrong.

Source: reliability diagrams and the expected calibration error of Naeini et al., "Obtaining Well Calibrated
Probabilities Using Bayesian Binning", AAAI 2015. Deviation: boxes under the lowest edge take no
part. There are very many, nearly all of them wrong, and nobody keeps them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

SIDES = ((0.0, 16.0), (16.0, 32.0), (32.0, 96.0), (96.0, math.inf))
"""Bands of the side of a box [px], lower bound included, upper excluded."""

SCORE_EDGES = tuple(np.round(np.arange(0.1, 1.01, 0.1), 1).tolist())
"""Edges of the bins of score: nine bins of 0.1, from 0.1."""

BoxMask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Judged:
    """Boxes of which it is known whether they are right.

    Attributes:
        scores: (n,) 0..1.
        sides: (n,) geometric mean of width and height [px].
        right: (n,).
        images: (n,) index of the image of each.
        boxes: (n,) index of each among all detections.
    """

    scores: NDArray[np.float64]
    sides: NDArray[np.float64]
    right: BoxMask
    images: NDArray[np.int64]
    boxes: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.scores)

    def __getitem__(self, chosen: NDArray[Any]) -> Judged:
        """Those of a mask or of indices."""
        return Judged(
            self.scores[chosen], self.sides[chosen], self.right[chosen], self.images[chosen], self.boxes[chosen]
        )


def join(parts: Iterable[Judged]) -> Judged:
    """The boxes of several images in one."""
    nothing = np.zeros(0)
    empty = Judged(nothing, nothing, nothing.astype(np.bool_), nothing.astype(np.int64), nothing.astype(np.int64))
    joined = [empty, *parts]
    return Judged(*(np.concatenate([getattr(part, item.name) for part in joined]) for item in fields(Judged)))


def first_of_each(claims: NDArray[np.int64], scores: NDArray[np.float64]) -> BoxMask:
    """Which detections are the best of those that claim their face; the first of equals.

    Args:
        claims: (n,) index of the face that each claims, -1 for none.
        scores: (n,).
    """
    order = np.argsort(-scores, kind="stable")
    _, first = np.unique(claims[order], return_index=True)
    best = np.zeros(len(claims), np.bool_)
    best[order[first]] = True
    return best & (claims >= 0)


@dataclass(frozen=True, eq=False)
class Reliability:
    """The boxes of one band of sides, counted by score.

    Attributes:
        edges: (B + 1,) of the bins of score; the last one includes its upper edge.
        counts: (B,) boxes.
        right: (B,) boxes that are right.
        score_sums: (B,) sums of the scores.
    """

    edges: NDArray[np.float64]
    counts: NDArray[np.int64]
    right: NDArray[np.int64]
    score_sums: NDArray[np.float64]

    @property
    def shares(self) -> NDArray[np.float64]:
        """(B,) share of right boxes; NaN where there is no box."""
        return _divided(self.right, self.counts)

    @property
    def mean_scores(self) -> NDArray[np.float64]:
        """(B,) mean score; NaN where there is no box."""
        return _divided(self.score_sums, self.counts)

    @property
    def calibration_error(self) -> float:
        """Expected calibration error: mean distance of score and share over the bins, by boxes; NaN without boxes."""
        total = int(self.counts.sum())
        return float(np.abs(self.right - self.score_sums).sum() / total) if total else math.nan


ByBand = Mapping[tuple[float, float], Reliability]


def reliability(
    judged: Judged,
    *,
    sides: Sequence[tuple[float, float]] = SIDES,
    edges: Sequence[float] = SCORE_EDGES,
) -> dict[tuple[float, float], Reliability]:
    """Count boxes by band of sides and bin of score; the last band, from 0 to infinity, has all of them.

    Args:
        judged: boxes.
        sides: bands [px].
        edges: of the bins of score, rising.

    Raises:
        ValueError: scores that cannot be a chance, or that do not tell boxes apart.
    """
    check_scores(judged.scores)
    return {
        (low, high): _count(judged[(judged.sides >= low) & (judged.sides < high)], np.asarray(edges, np.float64))
        for low, high in (*sides, (0.0, math.inf))
    }


def check_scores(scores: NDArray[np.float64]) -> None:
    """Refuse scores that no reliability can be told of.

    Raises:
        ValueError: none, scores beyond 0..1, or all equal.
    """
    if not len(scores):
        raise ValueError("expected boxes with scores, got none; run the detector on these images")
    low, high = float(scores.min()), float(scores.max())
    if not 0 <= low <= high <= 1:  # NaN fails too
        raise ValueError(
            f"expected scores from 0 to 1, got {low:g} to {high:g}; a reliability needs scores that can be a chance"
        )
    if low == high and len(scores) > 1:
        raise ValueError(
            f"expected scores that tell boxes apart, got {low:g} for all {len(scores):,}; write the detector's own"
        )


def _count(judged: Judged, edges: NDArray[np.float64]) -> Reliability:
    inside = (judged.scores >= edges[0]) & (judged.scores <= edges[-1])
    scores, right = judged.scores[inside], judged.right[inside]
    place = np.clip(np.searchsorted(edges, scores, side="right") - 1, 0, len(edges) - 2)

    num_bins = len(edges) - 1
    return Reliability(
        edges,
        np.bincount(place, minlength=num_bins),
        np.bincount(place[right], minlength=num_bins),
        np.bincount(place, weights=scores, minlength=num_bins).astype(np.float64),
    )


def band_name(band: tuple[float, float]) -> str:
    """`16-32 px`, `96+ px`, and `all` for the band that has all."""
    low, high = band
    if low == 0 and math.isinf(high):
        return "all"
    return f"{low:g}+ px" if math.isinf(high) else f"{low:g}-{high:g} px"


def describe(bands: ByBand, *, frame: str) -> dict[str, Any]:
    """Record for JSON; what is undefined is None.

    Args:
        bands: of `reliability`.
        frame: what the pixels of the sides are, in words.
    """
    return {
        "side": f"square root of width x height, px of the {frame}",
        "score_edges": next(iter(bands.values())).edges.tolist(),
        "bands": {
            band_name(band): {
                "boxes": int(counted.counts.sum()),
                "right": int(counted.right.sum()),
                "calibration_error": _defined(counted.calibration_error),
                "bins": {
                    "boxes": counted.counts.tolist(),
                    "mean_score": [_defined(score) for score in counted.mean_scores.tolist()],
                    "share_right": [_defined(share) for share in counted.shares.tolist()],
                },
            }
            for band, counted in bands.items()
        },
    }


def _divided(sums: NDArray[Any], counts: NDArray[np.int64]) -> NDArray[np.float64]:
    quotients = np.full(len(counts), np.nan)
    np.divide(sums, counts, out=quotients, where=counts > 0)
    return quotients


def _defined(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 4)
