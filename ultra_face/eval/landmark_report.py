"""What an evaluation of landmarks says: a record, a table, a picture."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ultra_face.eval.image_names import check_same_images, read_lines
from ultra_face.eval.landmark_files import read_landmark_file, select_images
from ultra_face.eval.landmarks import (
    FAILURE_THRESHOLD,
    LANDMARK_NAMES,
    LandmarkAccuracy,
    box_sizes,
    eye_distances,
    landmark_accuracy,
    normalised_errors,
)
from ultra_face.eval.outcome import save_plot, tell
from ultra_face.eval.pairing import FacePairs, pair_images
from ultra_face.eval.plots import draw_cumulative_errors


def report_landmarks(
    predictions: Path,
    annotations: Path,
    *,
    subset_list: Path | None = None,
    allow_missing: bool = False,
    iou_threshold: float = 0.5,
    json_file: str | None = None,
    plot: Path | None = None,
) -> dict[str, Any]:
    """Compare predicted with annotated landmarks and print, save and plot the outcome.

    Args:
        predictions: file in RetinaFace's layout, the last number of a row being the score.
        annotations: file in RetinaFace's layout.
        subset_list: text file of image paths as in the annotations: evaluate only these.
        allow_missing: count the faces of images without predictions as not found.
        iou_threshold: lowest inclusive IoU of a predicted and an annotated face.
        json_file: where to write the record; `-` prints it instead of the table.
        plot: picture of the cumulative errors.

    Returns:
        The record of `summarise_landmarks`.

    Raises:
        LandmarkFileError: a file breaks the layout.
        ImageSetError: an image of the list is not annotated, or an annotated image has no predictions.
        OSError, ValueError: the record or the picture cannot be written; the table has been printed then.
    """
    wanted = None if subset_list is None else read_lines(subset_list)
    annotated = select_images(read_landmark_file(annotations), wanted, source=str(annotations))
    predicted = read_landmark_file(predictions)
    check_same_images(annotated, predicted, allow_missing=allow_missing, allow_extra=True)
    accuracies = measure(pairs := pair_images(predicted, annotated, iou_threshold=iou_threshold))
    record = summarise_landmarks(accuracies, pairs)
    tell(record, format_landmarks(record), json_file)
    if plot is not None:
        errors = {f"divided by {name}": accuracy.face_errors for name, accuracy in accuracies.items()}
        save_plot(draw_cumulative_errors(errors, limit=FAILURE_THRESHOLD), plot)
    return record


def measure(pairs: FacePairs) -> dict[str, LandmarkAccuracy]:
    """Accuracy with errors divided by `box size` and by `eye distance`."""
    sizes = {
        "box size": box_sizes(pairs.boxes_xywh),
        "eye distance": eye_distances(pairs.annotated, pairs.visible),
    }
    return {
        name: landmark_accuracy(normalised_errors(pairs.predicted, pairs.annotated, pairs.visible, size))
        for name, size in sizes.items()
    }


def summarise_landmarks(accuracies: Mapping[str, LandmarkAccuracy], pairs: FacePairs) -> dict[str, Any]:
    """One record, ready for JSON; figures that are undefined are None."""
    return {
        "num_annotated": pairs.num_annotated,
        "num_matched": len(pairs.predicted),
        "failure_threshold": FAILURE_THRESHOLD,
        **{
            name: {
                "num_faces": len(accuracy.face_errors),
                "nme": _defined(accuracy.nme),
                "failure_rate": _defined(accuracy.failure_rate),
                "auc": _defined(accuracy.auc),
                "per_landmark": dict(zip(LANDMARK_NAMES, map(_defined, accuracy.per_landmark.tolist()), strict=True)),
            }
            for name, accuracy in accuracies.items()
        },
    }


def format_landmarks(record: Mapping[str, Any]) -> str:
    """The record of `summarise_landmarks` as a table; errors in percent of the size of the face."""
    threshold = f"{record['failure_threshold']:g}"
    head: tuple[str, ...] = (
        "error / size",
        "faces",
        "NME, %",
        f"fail>{threshold}, %",
        f"AUC {threshold}",
        *LANDMARK_NAMES,
    )
    rows = [head]
    for name in ("box size", "eye distance"):
        part = record[name]
        percent = (part["nme"], part["failure_rate"])
        cells = [str(part["num_faces"]), *map(_percent, percent), _number(part["auc"])]
        rows.append((name, *cells, *map(_percent, part["per_landmark"].values())))
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    table = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    matched = f"{record['num_matched']:,} of {record['num_annotated']:,} faces with landmarks were found"
    return "\n".join([f"Landmarks: {matched}", *table])


def _defined(value: float) -> float | None:
    return None if math.isnan(value) else value


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.2f}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
