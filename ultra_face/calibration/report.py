"""What a calibration found, as a table and as a record."""

from __future__ import annotations

import math
from typing import Any

from ultra_face.calibration.calibrate import Calibration, Figures
from ultra_face.evaluation.reliability import describe

PRECISIONS = (0.95, 0.99)
"""Of which the report tells the score."""
TOLD_SCORES = (0.25, 0.5)
"""Of which it tells what stands for them afterwards: the defaults of Ultralytics and of FaceDetector."""


def format_report(found: Calibration) -> str:
    """The figures before and after, and what the scores change by."""
    fit = found.fit
    lines = [
        f"{found.boxes:,} boxes, {found.faces:,} faces, {found.images:,} photographs; fitted on one half and judged on "
        "the other, both ways",
        f"a doubling of the side is worth {fit.order_slope:+.3f} in logits of the score (standard error "
        f"{fit.order_slope_error:.3f}); the head tells log2 of a side to {found.side_error:.2f} (root mean square)",
        f"{'':<28}{'before':>9}{'after':>9}",
    ]
    rows = zip(_rows(found.before), _rows(found.after), strict=True)
    lines += [f"  {name:<26}{before:>9}{after:>9}" for (name, before), (_, after) in rows]
    if found.probability:
        told = ", ".join(f"{found.term.score(score):.2f} for {score:g}" for score in TOLD_SCORES)
        lines.append(f"scores are chances now: for a face of 32 px, {told}")
    return "\n".join(lines)


def _rows(figures: Figures) -> list[tuple[str, str]]:
    precision = [(f"AP50 {name}, %", _number(100 * value, 1)) for name, value in figures.ap.items()]
    errors = [(f"calibration error {name}", _number(value, 3)) for name, value in figures.calibration_errors.items()]
    reached = {row[0]: row for row in figures.table.rows}
    scores = [
        (f"score for {100 * share:g} % right", _number(reached[share][1] if share in reached else math.nan, 3))
        for share in PRECISIONS
    ]
    found = [
        ("faces found there, %", _number(100 * reached[share][2] if share in reached else math.nan, 1))
        for share in PRECISIONS
    ]
    return [*precision, *errors, *(row for pair in zip(scores, found, strict=True) for row in pair)]


def describe_calibration(found: Calibration) -> dict[str, Any]:
    """Record for JSON; what is undefined is None."""
    return {
        "fit": found.noted() | {"side_error": round(found.side_error, 4), "boxes": found.boxes},
        "gains": found.gains,
        "before": _described(found.before),
        "after": _described(found.after),
    }


def _described(figures: Figures) -> dict[str, Any]:
    return {
        "ap50": {name: None if math.isnan(value) else round(value, 4) for name, value in figures.ap.items()},
        "reliability": describe(figures.bands, frame="input of the network"),
        "score_table": figures.table.noted(),
    }


def _number(value: float, decimals: int) -> str:
    return "-" if math.isnan(value) else f"{value:.{decimals}f}"
