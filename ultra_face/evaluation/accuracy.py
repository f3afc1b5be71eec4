"""Average precision and landmark errors of a detector on labelled photographs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ultra_face.evaluation.curve import PrecisionRecall
from ultra_face.evaluation.ground_truth import GroundTruth
from ultra_face.evaluation.landmarks import box_sizes, landmark_accuracy, normalised_errors
from ultra_face.evaluation.matching import pair_images
from ultra_face.evaluation.photographs import Photographs
from ultra_face.evaluation.protocol import evaluate
from ultra_face.faces import Faces
from ultra_face.formats.result_files import to_rows

SCORES = np.round(np.arange(0.05, 1.0, 0.05), 2)
"""Among which the threshold of a detector is looked for."""
BANDS = ((0, 20), (20, 50), (50, np.inf))
"""Face heights [px of the photograph] that are counted apart."""


def accuracy(photographs: Photographs, found: Mapping[str, Faces]) -> dict[str, Any]:
    """Figures of what was found in every photograph.

    Returns:
        `ap50` by subset and `by_height`; for data sets also `by_set` over all labelled faces, `best_f1`, see
        `best_threshold`, and `landmarks` where both sides have them: mean error as a multiple of the box size, failure
        rate, and faces compared. AP is a fraction.
    """
    assert photographs.truth is not None
    rows = {name: to_rows(faces.boxes_xyxy, faces.scores) for name, faces in found.items()}
    evaluation = evaluate(photographs.truth, rows)
    counted = photographs.truth.counted
    widest = max(counted, key=lambda subset: int(counted[subset].sum()))
    report: dict[str, Any] = {
        "ap50": {subset: _ap(curve) for subset, curve in evaluation.subsets().items()},
        "by_height": {
            f"{low}-{high} px": _ap(curve) for (low, high), curve in evaluation.by_size(widest, BANDS).items()
        },
    }
    if photographs.landmarks:
        report["best_f1"] = best_threshold(photographs.truth, rows, widest)
        report["by_set"] = {name: _ap(curve) for name, curve in evaluation.by_event(widest).items()}
        report["landmarks"] = landmark_errors(photographs, found)
    return report


def best_threshold(truth: GroundTruth, rows: Mapping[str, NDArray[np.float64]], subset: str) -> dict[str, Any]:
    """The score that suits a detector: that of the best F1 in the mean over the sets, so that no crowd decides alone.

    Args:
        truth: labelled faces of images `set/image`.
        rows: detections (n, 5) `x y w h score` by image.
        subset: whose faces count.

    Returns:
        `confidence`, the mean `f1`, and by set `precision`, `recall` and `f1` there.
    """
    images: dict[str, list[str]] = {}
    for name in truth.images:
        images.setdefault(name.partition("/")[0], []).append(name)
    evaluations = {
        name: evaluate(truth.restrict(members), {image: rows[image] for image in members if image in rows})
        for name, members in images.items()
    }
    points = {
        score: {name: evaluation.operating_point(subset, score) for name, evaluation in evaluations.items()}
        for score in SCORES
    }
    mean = {score: float(np.mean([point.f1 for point in by_set.values()])) for score, by_set in points.items()}
    best = max(SCORES, key=mean.__getitem__)
    sets = {
        name: {key: _rounded(getattr(point, key)) for key in ("precision", "recall", "f1")}
        for name, point in points[best].items()
    }
    return {"confidence": float(best), "f1": round(mean[best], 4), "sets": sets}


def landmark_errors(photographs: Photographs, found: Mapping[str, Faces]) -> dict[str, float] | None:
    """Errors of the landmarks of faces that were found; None for a detector without landmarks."""
    pairs = pair_images(found, photographs.landmarks)
    sizes = box_sizes(pairs.boxes_xywh)
    measured = landmark_accuracy(normalised_errors(pairs.predicted, pairs.annotated, pairs.visible, sizes))
    if not len(measured.face_errors):
        return None
    return {
        "nme_box": round(measured.nme, 5),
        "failure_rate": round(measured.failure_rate, 4),
        "faces": len(measured.face_errors),
    }


def _rounded(share: float) -> float | None:
    return round(share, 4) if np.isfinite(share) else None


def _ap(curve: PrecisionRecall) -> float | None:
    return round(float(curve.ap), 4) if curve.num_faces else None
