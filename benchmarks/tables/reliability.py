"""What scores mean and what calibration makes of them: tables and a picture of `results/reliability*.json`."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.tables.record import markdown, percent, read_record, source
from ultra_face.evaluation.outcome import draw_reliability
from ultra_face.evaluation.outcome import save_plot as save
from ultra_face.evaluation.reliability import SIDES, Reliability, band_name

NAME, CROWDS = "reliability", "reliability-crowds"
FROM = 0.5
"""Score from which the share of right boxes is told."""
PRECISIONS = (0.95, 0.99)
KINDS = {"order": "by size", "probability": "`--probability`"}


def reliability(results: Path) -> str:
    """Calibration error by band of sides, and the share of right boxes from a score of 0.5, a row a detector."""
    record = read_record(results, NAME)
    detectors = record["detectors"]
    bands = list(next(iter(detectors.values()))["bands"])
    body = [
        [
            name,
            *(_error(described["bands"][band]["calibration_error"]) for band in bands),
            *(percent(_share_from(described, band)) for band in bands),
        ]
        for name, described in detectors.items()
    ]
    heads = ["detector", *(f"error, {band}" for band in bands), *(f"right, {band}, %" for band in bands)]
    run = record["provenance"]
    told = (
        f"Calibration error, and share of right boxes among those that score {FROM} or more, by side of the box "
        f"[input px]. {record['photographs']} photographs with {record['faces']:,} faces: {run['data']}; input "
        f"{run['config']['imgsz']} px. {source(record, NAME)}"
    )
    return f"{markdown(heads, body)}\n\n{told}"


def calibration(results: Path, name: str = NAME) -> str:
    """What each calibration of a record changed: a model as it is, and calibrated in both ways."""
    record = read_record(results, name)
    rows = []
    for model, kinds in record["calibrations"].items():
        (before,) = {_key(found["before"]) for found in kinds.values()}
        rows.append([model, "as it is", "", *before])
        rows += [
            [
                "",
                KINDS[kind],
                f"{found['fit']['order_slope']:+.2f} ({found['fit']['standard_error']:.2f})",
                *_key(found["after"]),
            ]
            for kind, found in kinds.items()
        ]
    bands = ["all", *map(band_name, SIDES)]
    heads = [
        *("model", "calibrated", "a doubling is worth"),
        *(f"AP50 {band}" for band in bands),
        *(f"error {band}" for band in ("all", band_name(SIDES[0]), band_name(SIDES[-1]))),
        *(f"found at {100 * share:g} % right" for share in PRECISIONS),
    ]
    told = (
        "A doubling of the side, in logits of the score, with its standard error; faces found above the score at which "
        f"so many boxes are right. {record['photographs']} photographs with {record['faces']:,} faces: "
        f"{record['provenance']['data']}. {source(record, name)}"
    )
    return f"{markdown(heads, rows)}\n\n{told}"


def calibration_crowds(results: Path) -> str:
    """The same on photographs of which some show dense crowds."""
    return calibration(results, CROWDS)


def precisions(results: Path) -> str:
    """The score of each precision of the first model, as it is, and the faces that are found there."""
    record = read_record(results, NAME)
    table = next(iter(record["calibrations"].values()))["order"]["before"]["score_table"]
    heads = ["right boxes", *(f"{100 * precision:g} %" for precision, *_ in table["rows"])]
    body = [
        ["above a score of", *(f"{score:.3f}" for _, score, _ in table["rows"])],
        ["faces found there", *(f"{percent(recall)} %" for *_, recall in table["rows"])],
    ]
    run = record["provenance"]
    told = f"{table['images']} photographs with {table['faces']:,} faces: {run['data']}. {source(record, NAME)}"
    return f"{markdown(heads, body)}\n\n{told}"


def save_plot(results: Path, file: Path) -> None:
    """Draw the detectors of the record side by side."""
    detectors = read_record(results, NAME)["detectors"]
    save(draw_reliability({name: _bands(described) for name, described in detectors.items()}), file)


def _bands(described: dict[str, Any]) -> dict[tuple[float, float], Reliability]:
    edges = np.array(described["score_edges"])
    counted = []
    for band in described["bands"].values():
        bins = {name: np.array([value or 0 for value in values]) for name, values in band["bins"].items()}
        right = np.rint(bins["boxes"] * bins["share_right"]).astype(np.int64)
        counted.append(Reliability(edges, bins["boxes"], right, bins["boxes"] * bins["mean_score"]))
    return dict(zip((*SIDES, (0.0, math.inf)), counted, strict=True))


def _share_from(described: dict[str, Any], band: str) -> float | None:
    """Share of right boxes among those of a band that score `FROM` or more."""
    bins = described["bands"][band]["bins"]
    chosen = [number for number, edge in enumerate(described["score_edges"][:-1]) if edge >= FROM]
    boxes = sum(bins["boxes"][number] for number in chosen)
    right = sum(bins["boxes"][number] * (bins["share_right"][number] or 0) for number in chosen)
    return right / boxes if boxes else None


def _key(figures: dict[str, Any]) -> tuple[str, ...]:
    """The cells of one row: precision, errors, and faces found at some precisions."""
    errors = figures["reliability"]["bands"]
    found = {precision: recall for precision, _, recall in figures["score_table"]["rows"]}
    return (
        *(percent(figures["ap50"][band]) for band in ("all", *map(band_name, SIDES))),
        *(_error(errors[band]["calibration_error"]) for band in ("all", band_name(SIDES[0]), band_name(SIDES[-1]))),
        *(percent(found.get(precision)) for precision in PRECISIONS),
    )


def _error(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
