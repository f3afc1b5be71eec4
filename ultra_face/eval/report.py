"""What an evaluation says: one JSON-ready record and one table, both with the protocol beside the numbers."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

from ultra_face.eval.curve import PrecisionRecall
from ultra_face.eval.protocol import Evaluation

UNKNOWN_DETECTOR = "not recorded with the result files"
_POINT_KEYS = ("confidence", "precision", "recall")


def summarise(
    evaluation: Evaluation,
    *,
    images: str,
    detector: Mapping[str, Any] | None = None,
    confidence: float | None = None,
) -> dict[str, Any]:
    """One record of an evaluation, ready for JSON; figures that are undefined are None.

    Args:
        evaluation: matched detections.
        images: which images took part, in words.
        detector: how the detections were made (image scale, flip, NMS, ...); None where that is unknown.
        confidence: also report precision, recall and F1 at this confidence.

    Returns:
        AP in percent under the name of each subset, then `protocol`, `num_images`, `num_detections`,
        `num_faces`, `best_f1`, `at_confidence` (with `confidence` only), `by_event` and `by_size` (AP in
        percent by subset).
    """
    truth = evaluation.ground_truth
    subsets = evaluation.subsets()
    points = {"best_f1": {name: evaluation.best_operating_point(name) for name in subsets}}
    if confidence is not None:
        points["at_confidence"] = {name: evaluation.operating_point(name, confidence) for name in subsets}
    return {
        **ap_percent(subsets),
        "protocol": {
            "images": images,
            "iou_threshold": evaluation.iou_threshold,
            "iou_pixels": "inclusive (+1)",
            "score_thresholds": evaluation.num_thresholds,
            "score_normalisation": "minimum and maximum over all images",
            "faces_outside_the_subset": "ignored",
            "detector": dict(detector) if detector is not None else UNKNOWN_DETECTOR,
        },
        "num_images": len(truth.images),
        "num_detections": len(evaluation.scores),
        "num_faces": truth.counts(),
        **{
            title: {name: _defined(dataclasses.asdict(point)) for name, point in by_subset.items()}
            for title, by_subset in points.items()
        },
        "by_event": {name: ap_percent(evaluation.by_event(name)) for name in subsets},
        "by_size": {
            name: ap_percent({_band(band): curve for band, curve in evaluation.by_size(name).items()})
            for name in subsets
        },
    }


def ap_percent(curves: Mapping[str, PrecisionRecall]) -> dict[str, float | None]:
    """Average precision [%] of each curve; None where no face counts."""
    return {name: None if math.isnan(curve.ap) else 100 * curve.ap for name, curve in curves.items()}


def format_summary(summary: Mapping[str, Any]) -> str:
    """The record of `summarise` as a table of one column a subset, with the protocol below."""
    names = list(summary["num_faces"])
    rows: list[tuple[str, Sequence[str]]] = [
        ("", [name.capitalize() for name in names]),
        ("AP, %", [_number(summary[name], 2) for name in names]),
        ("faces", [f"{summary['num_faces'][name]:,}" for name in names]),
    ]
    for title, label in (("best_f1", "best F1"), ("at_confidence", "F1")):
        if title in summary:
            points = [summary[title][name] for name in names]
            rows.append((label, [_number(point["f1"], 3) for point in points]))
            rows += [(f"  {key}", [_number(point[key], 3) for point in points]) for key in _POINT_KEYS]
    for band in summary["by_size"][names[0]]:
        rows.append((f"AP, {band} px", [_number(summary["by_size"][name][band], 2) for name in names]))
    table = [f"{label:<16}" + "".join(f"{cell:>10}" for cell in cells) for label, cells in rows]
    return "\n".join(
        [
            f"WIDER FACE: {summary['protocol']['images']}, {summary['num_detections']:,} detections",
            *table,
            _format_protocol(summary["protocol"]),
        ]
    )


def _format_protocol(protocol: Mapping[str, Any]) -> str:
    detector = protocol["detector"]
    if not isinstance(detector, str):
        detector = ", ".join(f"{key} {value}" for key, value in detector.items())
    return (
        f"protocol: IoU {protocol['iou_threshold']:g} in {protocol['iou_pixels']} pixels, "
        f"{protocol['score_thresholds']:,} score thresholds, other faces ignored; detections: {detector}"
    )


def _band(band: tuple[float, float]) -> str:
    low, high = band
    return f"{low:g}-{high:g}" if math.isfinite(high) else f"{low:g}+"


def _defined(values: Mapping[str, float]) -> dict[str, float | None]:
    return {key: None if math.isnan(value) else value for key, value in values.items()}


def _number(value: float | None, decimals: int) -> str:
    return "-" if value is None else f"{value:.{decimals}f}"
