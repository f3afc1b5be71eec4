"""What each common mistake costs in WIDER FACE average precision, measured on one detector's result files.

python benchmarks/widerface_mistakes.py --predictions FOLDER --ground-truth FOLDER --data NAME

Writes `results/widerface-mistakes.json` and renews the table in `docs/widerface-protocol.md`.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.provenance import REPOSITORY, provenance
from ultra_face.evaluation.curve import normalise_scores
from ultra_face.evaluation.ground_truth import GroundTruth, load_ground_truth
from ultra_face.evaluation.protocol import evaluate
from ultra_face.evaluation.report import ap_percent
from ultra_face.formats.result_files import read_predictions

SEED = 0
PAGE = REPOSITORY / "docs" / "widerface-protocol.md"
MARKS = ("<!-- mistakes: begin -->", "<!-- mistakes: end -->")

Rows = NDArray[np.float64]  # (n, 5) x y w h score of one image, in the order of the file
Predictions = Mapping[str, Rows]
Measure = Callable[[GroundTruth, Predictions], dict[str, float | None]]


def main() -> None:
    """Measure, write the result file and renew the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--predictions", type=Path, required=True)
    parser.add_argument("--ground-truth", type=Path, required=True)
    parser.add_argument("--data", required=True, help="name of the result set, for the record")
    parser.add_argument("--output", type=Path, default=REPOSITORY / "results" / "widerface-mistakes.json")
    arguments = parser.parse_args()

    truth = load_ground_truth(arguments.ground_truth)
    predictions = read_predictions(arguments.predictions)
    record = {
        "provenance": provenance({}, arguments.data, SEED),
        "num_detections": sum(map(len, predictions.values())),
        "images_above_300_detections": sum(len(rows) > 300 for rows in predictions.values()),
        "names_that_rstrip_changes": sum(f"{name}.jpg".rstrip(".jpg") != name for name in truth.images),
        "ap": {name: measure(truth, predictions) for name, measure in MEASURES.items()},
    }
    arguments.output.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    text = table(record["ap"])
    sys.stdout.write(text)
    begin, end = MARKS
    page = re.sub(f"{begin}.*{end}", lambda _: f"{begin}\n{text}{end}", PAGE.read_text("utf-8"), flags=re.S)
    PAGE.write_text(page, encoding="utf-8")


def table(ap: Mapping[str, Mapping[str, float]]) -> str:
    """Markdown: the first row in percent, all others as differences from it."""
    (first, exact), *others = ap.items()
    lines = ["| | easy | medium | hard |", "| --- | --- | --- | --- |"]
    lines.append(f"| {first} | " + " | ".join(f"{value:.2f}" for value in exact.values()) + " |")
    for name, values in others:
        differences = [f"{values[subset] - exact[subset]:+.2f}" for subset in exact]
        lines.append(f"| {name} | " + " | ".join(differences) + " |")
    return "\n".join([*lines, ""])


def exact(truth: GroundTruth, predictions: Predictions, **settings: int) -> dict[str, float | None]:
    """The protocol as it is."""
    return ap_percent(evaluate(truth, predictions, **settings).subsets())


def changed(change: Callable[[Rows, np.random.Generator], Rows]) -> Measure:
    """The protocol on result files that are changed image by image."""

    def measure(truth: GroundTruth, predictions: Predictions) -> dict[str, float | None]:
        rng = np.random.default_rng(SEED)
        return exact(truth, {name: change(rows, rng) for name, rows in predictions.items()})

    return measure


def cut_after_the_last_score_above(rows: Rows) -> Rows:
    """Give each row the score at which a list that is cut, not filtered, lets it in.

    The common script keeps everything up to the last score above the threshold. So a row is kept while any
    later row is above the threshold: what counts is the maximum of its own and all later scores.
    """
    scores = np.maximum.accumulate(rows[::-1, 4])[::-1]
    return np.column_stack([rows[:, :4], scores])


def shuffled(rows: Rows, rng: np.random.Generator) -> Rows:
    """Rows in random order."""
    return cut_after_the_last_score_above(rng.permutation(rows))


def two_passes(rows: Rows, rng: np.random.Generator) -> Rows:
    """Sorted lists of two passes (two scales, or a mirror image), one after the other."""
    second = rng.random(len(rows)) < 0.5
    ordered = rows[np.argsort(-rows[:, 4], kind="stable")]
    return cut_after_the_last_score_above(np.vstack([ordered[~second], ordered[second]]))


def displaced(rows: Rows, rng: np.random.Generator) -> Rows:
    """Move every coordinate as rounding to whole pixels would: uniformly by up to half a pixel."""
    moved = rows[:, :4] + rng.uniform(-0.5, 0.5, (len(rows), 4))
    moved[:, 2:] = np.maximum(moved[:, 2:], 0)
    return np.column_stack([moved, rows[:, 4]])


def truncated(rows: Rows, rng: np.random.Generator) -> Rows:
    """Move every corner as `int()` would: up and to the left by up to one pixel."""
    corners = np.hstack([rows[:, :2], rows[:, :2] + rows[:, 2:4]]) - rng.uniform(0, 1, (len(rows), 4))
    sizes = np.maximum(corners[:, 2:] - corners[:, :2], 0)
    return np.column_stack([corners[:, :2], sizes, rows[:, 4]])


def best(rows: Rows, count: int) -> Rows:
    """Keep the rows of highest score."""
    return rows[np.argsort(-rows[:, 4], kind="stable")[:count]]


def exclusive_pixels(truth: GroundTruth, predictions: Predictions) -> dict[str, float | None]:
    """Overlap without the inclusive pixel: in units of a millionth of a pixel, one more is nothing."""
    fine = 1e6
    return exact(
        dataclasses.replace(truth, boxes_xywh=truth.boxes_xywh * fine),
        {name: rows * [fine, fine, fine, fine, 1] for name, rows in predictions.items()},
    )


def others_as_background(truth: GroundTruth, predictions: Predictions) -> dict[str, float | None]:
    """Faces outside the subset taken away, so that finding them is a false alarm."""
    ap = {}
    for subset, counted in truth.counted.items():
        out_of_reach = np.where(counted[:, None], truth.boxes_xywh, [-1e9, -1e9, 0, 0])
        only = dataclasses.replace(truth, boxes_xywh=out_of_reach, counted={subset: counted})
        ap.update(exact(only, predictions))
    return ap


def scores_by_image(rows: Rows, rng: np.random.Generator) -> Rows:
    """Stretch the scores of each image over 0..1."""
    return np.column_stack([rows[:, :4], normalise_scores(rows[:, 4])])


MEASURES: dict[str, Measure] = {
    "the protocol": exact,
    "result files in random order, common script": changed(shuffled),
    "two sorted lists one after the other, common script": changed(two_passes),
    "boxes displaced by up to 0.5 px, as by rounding": changed(displaced),
    "corners displaced by up to 1 px, as by `int()`": changed(truncated),
    "scores rounded to 2 decimals": changed(lambda rows, _: np.column_stack([rows[:, :4], rows[:, 4].round(2)])),
    "at most 300 detections an image": changed(lambda rows, _: best(rows, 300)),
    "at most 100 detections an image": changed(lambda rows, _: best(rows, 100)),
    "confidence of 0.05 and more": changed(lambda rows, _: rows[rows[:, 4] >= 0.05]),
    "confidence of 0.25 and more": changed(lambda rows, _: rows[rows[:, 4] >= 0.25]),
    "overlap in exclusive pixels (no +1)": exclusive_pixels,
    "faces outside the subset as background": others_as_background,
    "scores normalised image by image": changed(scores_by_image),
    "100 score thresholds": lambda truth, predictions: exact(truth, predictions, num_thresholds=100),
}


if __name__ == "__main__":
    main()
