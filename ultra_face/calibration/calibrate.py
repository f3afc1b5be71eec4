"""Calibrate a model: fit on one half of the photographs and judge on the other, both ways; then fit on all.

The size alone changes the order of boxes, and with it what can be found at a given share of wrong ones. Scores of 32 px
stay in the mean where they are, so that a threshold keeps its meaning. Scores that are chances change every threshold.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ultra_face.calibration.fit import REFERENCE, Fit, fit, logits
from ultra_face.calibration.found import ALL, LEAST_SCORE, Found, Progress, Seen, gather, look
from ultra_face.calibration.weights import Sides, Term, sides_of, true_doublings
from ultra_face.evaluation.photographs import Photographs
from ultra_face.evaluation.reliability import SIDES, ByBand, band_name, reliability
from ultra_face.runtimes.score_table import ScoreTable

FEWEST_FACES = 200
"""Labelled faces, without which a fit says little."""

FITTED_FROM = 0.02
"""Score of a box that the fit sees; lower ones are very many and nobody keeps them."""

NEAR = 0.5
"""Doublings round 32 px whose scores stay in the mean."""

SURE = 2.0
"""Standard errors that a slope must differ from 0 by."""


@dataclass(frozen=True, eq=False)
class Figures:
    """What a model does on photographs that its scores were not fitted on.

    Attributes:
        ap: average precision at IoU 0.5 of all faces and by height [input px]; 0..1, NaN where there is none.
        bands: see `reliability`.
        table: scores by precision.
    """

    ap: Mapping[str, float]
    bands: ByBand
    table: ScoreTable

    @property
    def calibration_errors(self) -> dict[str, float]:
        """By band of sides."""
        return {band_name(band): counted.calibration_error for band, counted in self.bands.items()}


@dataclass(frozen=True, eq=False)
class Calibration:
    """What was found.

    Attributes:
        fit: on all photographs.
        term: what the scores change by.
        probability: whether they become chances.
        side_error: root mean square of what the head tells of log2(side) less the truth.
        before: as the model was.
        after: fitted on one half and judged on the other, both ways.
        images: photographs.
        faces: labelled in them.
        boxes: that the fit saw.
    """

    fit: Fit
    term: Term
    probability: bool
    side_error: float
    before: Figures
    after: Figures
    images: int
    faces: int
    boxes: int

    @property
    def gains(self) -> bool:
        """Whether something is gained: a better order by a slope that is sure or, for chances, a smaller error."""
        if self.probability:
            return self.after.calibration_errors["all"] < self.before.calibration_errors["all"]
        is_sure = abs(self.fit.order_slope) > SURE * self.fit.order_slope_error
        return is_sure and self.after.ap["all"] > self.before.ap["all"]

    def noted(self) -> dict[str, Any]:
        """What a checkpoint keeps of it."""
        return {
            "gain": round(self.term.gain, 4),
            "slope": round(self.term.slope, 4),
            "offset": round(self.term.offset, 4),
            "order_slope": round(self.fit.order_slope, 4),
            "standard_error": round(self.fit.order_slope_error, 4),
            "images": self.images,
            "faces": self.faces,
        }


def calibrate(
    model: Any, photographs: Photographs, *, size: int, data: str, probability: bool = False, progress: Progress = iter
) -> tuple[Any, Calibration]:
    """Fit the scores of a model, and judge what that brings.

    Args:
        model: Ultralytics' network of a pose model; it stays as it is.
        photographs: with labels, which took no part in its training.
        size: longer side of the input [px].
        data: the photographs in words, for the table of scores.
        probability: also make scores chances.
        progress: wraps photographs, three times.

    Returns:
        A copy with other scores, and what was found.

    Raises:
        ValueError: too few faces, or what `look` and `fit` refuse.
    """
    assert photographs.truth is not None
    if (faces := len(photographs.truth.boxes_xywh)) < FEWEST_FACES:
        raise ValueError(
            f"expected at least {FEWEST_FACES} labelled faces, got {faces} in {len(photographs.files)} photographs; "
            "add some"
        )
    names = list(photographs.files)
    seen = look(model, photographs, size, progress=progress)
    after: dict[str, Seen] = {}
    for own, others in ((names[::2], names[1::2]), (names[1::2], names[::2])):
        changed, _, term, _ = _fitted(model, gather(seen, own), probability=probability)
        least = min(LEAST_SCORE, term.score(LEAST_SCORE))  # or chances would be judged on fewer boxes
        after |= look(changed, photographs.only(others), size, least_score=least, progress=progress)
    everything = gather(seen)
    changed, fitted, term, sides = _fitted(model, everything, probability=probability)
    cells = everything.cells[everything.judged.scores >= FITTED_FROM]
    told = sides.doublings(cells) - true_doublings(cells)
    return changed, Calibration(
        fitted,
        term,
        probability,
        float(np.sqrt(np.mean(told**2))),
        figures(everything, size=size, data=data),
        figures(gather(after, names), size=size, data=data),
        len(names),
        faces,
        len(cells.levels),
    )


def figures(found: Found, *, size: int, data: str) -> Figures:
    """Precision by size, reliability, and the scores of precisions."""
    evaluation, judged = found.evaluation, found.judged
    curves = {"all": evaluation.subsets()[ALL]} | {
        band_name(band): curve for band, curve in evaluation.by_size(ALL, SIDES).items()
    }
    truth, kept = evaluation.ground_truth, judged[judged.scores >= FITTED_FROM]
    table = ScoreTable.measure(
        kept.scores,
        kept.right,
        images=len(truth.images),
        faces=len(truth.boxes_xywh),
        imgsz=size,
        data=data,
    )
    return Figures({name: curve.ap for name, curve in curves.items()}, reliability(judged), table)


def _fitted(model: Any, found: Found, *, probability: bool) -> tuple[Any, Fit, Term, Sides]:
    """A copy of a model with scores fitted on what it found.

    Of AnchorPose it is the objectness that changes. The score is objectness x class, and a head of one class is certain
    of it; of several, a face of an uncertain class gains less.
    """
    chosen = found.judged.scores >= FITTED_FROM
    judged, cells = found.judged[chosen], found.cells[chosen]
    sides = sides_of(model.model[-1], cells)
    doublings = sides.doublings(cells)
    fitted = fit(logits(judged.scores), doublings, judged.right, judged.images)
    if probability:
        term = Term(fitted.gain, fitted.slope, fitted.offset)
    else:
        near = np.abs(np.log2(judged.sides / REFERENCE)) < NEAR
        kept = float(doublings[near].mean()) if near.any() else 0.0
        term = Term(1.0, fitted.order_slope, -fitted.order_slope * kept)
    changed = copy.deepcopy(model).float()
    sides.write(changed.model[-1], term)
    return changed, fitted, term, sides
