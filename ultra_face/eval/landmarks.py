"""Accuracy of landmarks: normalised mean error, failure rate and cumulative errors.

Errors are distances divided by a size of the face: the geometric mean of the sides of its box, as on AFLW, or
the distance of its eyes, as on 300-W. The cumulative error curve shows the share of faces with at most a
given error.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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
