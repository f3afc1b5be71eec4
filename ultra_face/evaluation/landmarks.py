"""Accuracy of landmarks: normalised mean error, failure rate and cumulative errors, as a record, a table, a picture.

Errors are distances divided by a size of the face: the geometric mean of the sides of its box, as on AFLW, or
the distance of its eyes, as on 300-W. The cumulative error curve shows the share of faces with at most a
given error.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ultra_face.evaluation.matching import FacePairs, pair_images
from ultra_face.evaluation.outcome import draw_cumulative_errors, save_plot, tell
from ultra_face.formats.annotation import FaceAnnotations
from ultra_face.formats.retinaface import read_annotated_faces, read_detected_faces
from ultra_face.formats.widerface import ImageSetError, abbreviate, check_same_images, read_lines

LANDMARK_NAMES = ("left eye", "right eye", "nose", "left mouth corner", "right mouth corner")
"""Eyes and mouth corners: the left one first, as seen on the upright face."""

FAILURE_THRESHOLD = 0.1


@dataclass(frozen=True, eq=False)
class LandmarkAccuracy:
    """Accuracy over faces whose error is defined.

    Attributes:
        nme: mean of the errors of the faces, as multiples of their size; NaN without faces.
        failure_rate: share of faces with an error above the threshold; NaN without faces.
        auc: area under the cumulative error curve up to the threshold, 1 if all errors are 0; NaN without
            faces.
        per_landmark: (K,) mean error of each landmark over the faces that show it; NaN where none does.
        face_errors: (n,) mean error of each face over its visible landmarks, in the order given.
    """

    nme: float
    failure_rate: float
    auc: float
    per_landmark: NDArray[np.float64]
    face_errors: NDArray[np.float64]


def box_sizes(boxes_xywh: NDArray[np.float64]) -> NDArray[np.float64]:
    """Boxes (N, 4) [px] -> geometric means of width and height (N,) [px]."""
    return np.asarray(np.sqrt(boxes_xywh[:, 2] * boxes_xywh[:, 3]), np.float64)


def eye_distances(landmarks: NDArray[np.float64], visible: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Landmarks (N, K, 2) [px], the eyes first, and visibility (N, K) -> (N,) [px]; NaN without both eyes."""
    distances = np.linalg.norm(landmarks[:, 0] - landmarks[:, 1], axis=1)
    return np.where(visible[:, 0] & visible[:, 1], distances, np.nan)


def normalised_errors(
    predicted: NDArray[np.float64],
    annotated: NDArray[np.float64],
    visible: NDArray[np.bool_],
    sizes: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Distance of each landmark from its place, divided by the size of the face.

    Args:
        predicted: (N, K, 2) [px].
        annotated: (N, K, 2) [px].
        visible: (N, K) True where the landmark is annotated.
        sizes: (N,) [px]; a size that is 0 or NaN leaves the errors of its face undefined.

    Returns:
        (N, K) multiples of the size; NaN where undefined.
    """
    distances = np.linalg.norm(predicted - annotated, axis=2)
    defined = visible & (sizes > 0)[:, None]
    errors = np.full(distances.shape, np.nan)
    np.divide(distances, sizes[:, None], out=errors, where=defined)
    return errors


def landmark_accuracy(errors: NDArray[np.float64], *, failure_threshold: float = FAILURE_THRESHOLD) -> LandmarkAccuracy:
    """Summarise errors (N, K), NaN where undefined; faces without any defined error take no part."""
    defined = np.isfinite(errors)
    with_error = defined.any(axis=1)
    face_errors = _mean(errors, defined, axis=1)[with_error]
    above = face_errors > failure_threshold
    return LandmarkAccuracy(
        nme=float(face_errors.mean()) if face_errors.size else float("nan"),
        failure_rate=float(above.mean()) if face_errors.size else float("nan"),
        # under the steps of the curve each face contributes the part of the axis that lies right of its error
        auc=float(np.maximum(1 - face_errors / failure_threshold, 0).mean()) if face_errors.size else float("nan"),
        per_landmark=_mean(errors, defined, axis=0),
        face_errors=face_errors,
    )


def _mean(values: NDArray[np.float64], defined: NDArray[np.bool_], *, axis: int) -> NDArray[np.float64]:
    """Mean of the defined values along an axis; NaN where there is none."""
    count = defined.sum(axis=axis)
    total = np.where(defined, values, 0.0).sum(axis=axis)
    mean: NDArray[np.float64] = np.full(count.shape, np.nan)
    np.divide(total, count, out=mean, where=count > 0)
    return mean


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
    annotated = select_images(read_annotated_faces(annotations), wanted, source=str(annotations))
    predicted = read_detected_faces(predictions)
    check_same_images(annotated, predicted, allow_missing=allow_missing, allow_extra=True)
    accuracies = measure(pairs := pair_images(predicted, annotated, iou_threshold=iou_threshold))
    record = summarise_landmarks(accuracies, pairs)
    tell(record, format_landmarks(record), json_file)
    if plot is not None:
        errors = {f"divided by {name}": accuracy.face_errors for name, accuracy in accuracies.items()}
        save_plot(draw_cumulative_errors(errors, limit=FAILURE_THRESHOLD), plot)
    return record


def select_images(
    faces: Mapping[str, FaceAnnotations], images: list[str] | None, *, source: str
) -> dict[str, FaceAnnotations]:
    """Faces of the named images, or of all.

    Raises:
        ImageSetError: the source has no such image.
    """
    absent = [] if images is None else [name for name in images if name not in faces]
    if absent:
        raise ImageSetError(f"{source}: lacks {len(absent)} images: {abbreviate(absent)}")
    return dict(faces) if images is None else {name: faces[name] for name in images}


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
