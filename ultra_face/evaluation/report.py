"""What an evaluation of result files on WIDER FACE says: a record and a table, the protocol beside the numbers."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from ultra_face.evaluation.curve import PrecisionRecall
from ultra_face.evaluation.ground_truth import load_ground_truth
from ultra_face.evaluation.outcome import draw_precision_recall, draw_reliability, save_plot, tell
from ultra_face.evaluation.protocol import Evaluation, evaluate
from ultra_face.evaluation.reliability import ByBand, describe
from ultra_face.formats.result_files import DETECTOR_FILE, ResultFileError, read_predictions
from ultra_face.formats.widerface import check_same_images, read_image_list

Value = TypeVar("Value")

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
        percent by subset), and `reliability`, see `describe_reliability`.
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
        "reliability": describe_reliability(evaluation),
    }


def describe_reliability(evaluation: Evaluation) -> dict[str, Any] | None:
    """How often boxes of some score and size are right, in the widest subset; None where scores can be no chance."""
    try:
        subset, bands = evaluation.widest_reliability
    except ValueError:
        return None
    return {"faces": subset, **describe(bands, frame="original image")}


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


def report_folders(
    predictions: Path,
    ground_truth: Path,
    *,
    compare: Sequence[Path] = (),
    subset_list: Path | None = None,
    allow_missing: bool = False,
    allow_extra: bool = False,
    confidence: float | None = None,
    json_file: str | None = None,
    plot: Path | None = None,
    reliability_plot: Path | None = None,
    progress: Callable[[Iterable[str]], Iterable[str]] = iter,
) -> dict[str, Any]:
    """Evaluate result files and print, save and plot the outcome.

    Args:
        predictions: folder of result files.
        ground_truth: folder of the official `.mat` files, or an annotation file.
        compare: folders of other detectors, for the picture and the record.
        subset_list: evaluate only the images that this text file lists.
        allow_missing: score images without a result file as if nothing was found there.
        allow_extra: leave out result files of images that exist in no event.
        confidence: also report precision, recall and F1 at this confidence.
        json_file: where to write the record; `-` prints it instead of the table.
        plot: picture of the precision-recall curves.
        reliability_plot: picture of how often boxes of some score and size are right.
        progress: wraps the iteration over result files.

    Returns:
        The record of `summarise`; with `compare`, also `compared`: AP in percent by folder name and subset, and
        `compared_reliability` by folder name.

    Raises:
        FileNotFoundError, GroundTruthError, ImageSetError, ResultFileError: as the readers raise them.
        OSError: the record or the picture cannot be written; the table has been printed then.
        ValueError: a picture has a suffix that Matplotlib does not write, or is of scores that can be no chance.
    """
    everything = load_ground_truth(ground_truth)
    truth = everything if subset_list is None else everything.restrict(read_image_list(subset_list), subset_list)
    images = f"all {len(truth.images):,} images"
    if subset_list is not None:
        images = f"only the {len(truth.images):,} of {len(everything.images):,} images in {subset_list}"
    evaluations: dict[Path, Evaluation] = {}
    for folder in (predictions, *compare):
        found = read_predictions(folder, progress=progress)
        check_same_images(everything.images, found, allow_missing=True, allow_extra=allow_extra)
        chosen = {name: found[name] for name in truth.images if name in found}
        evaluations[folder] = evaluate(truth, chosen, allow_missing=allow_missing)
    record = summarise(
        evaluations[predictions], images=images, detector=read_detector(predictions), confidence=confidence
    )
    reliable = {} if reliability_plot is None else _reliable(evaluations)
    named = _by_name(evaluations)
    curves = {name: evaluation.subsets() for name, evaluation in named.items()}
    if compare:
        record["compared"] = {name: ap_percent(subsets) for name, subsets in curves.items()}
        record["compared_reliability"] = {name: describe_reliability(evaluation) for name, evaluation in named.items()}
    tell(record, format_summary(record), json_file)
    if plot is not None:
        save_plot(draw_precision_recall(curves), plot)
    if reliability_plot is not None:
        save_plot(draw_reliability(_by_name(reliable)), reliability_plot)
    return record


def read_detector(folder: Path) -> dict[str, Any] | None:
    """How the detections of a folder were made, where `detector.json` says so.

    Raises:
        ResultFileError: the file holds something else.
    """
    path = Path(folder) / DETECTOR_FILE
    if not path.is_file():
        return None
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        record = None
    if not isinstance(record, dict):
        raise ResultFileError(f"{path}: expected a JSON object that says how the files were made; correct or remove it")
    return record


def _reliable(evaluations: Mapping[Path, Evaluation]) -> dict[Path, ByBand]:
    """The reliability of the boxes of each folder.

    Raises:
        ResultFileError: scores of one that can be no chance.
    """
    found = {}
    for folder, evaluation in evaluations.items():
        try:
            _, found[folder] = evaluation.widest_reliability
        except ValueError as error:
            raise ResultFileError(f"{folder}: {error}; or leave out the picture of reliability") from error
    return found


def _by_name(of_folders: Mapping[Path, Value]) -> dict[str, Value]:
    """Values under the names of their folders; under the paths where two folders share a name."""
    names = {folder.resolve().name for folder in of_folders}
    return {
        folder.resolve().name if len(names) == len(of_folders) else str(folder): value
        for folder, value in of_folders.items()
    }
