"""Average precision and landmark errors of a detector on labelled photographs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from side_by_side.photographs import Photographs
from ultra_face.eval.landmarks import box_sizes, landmark_accuracy, normalised_errors
from ultra_face.eval.pairing import LandmarkFaces, pair_images
from ultra_face.eval.protocol import PrecisionRecall, evaluate
from ultra_face.eval.result_files import to_rows
from ultra_face.faces import Faces

BANDS = ((0, 20), (20, 50), (50, np.inf))
"""Face heights [px of the photograph] that are counted apart."""


def accuracy(photographs: Photographs, found: Mapping[str, Faces]) -> dict[str, Any]:
    """Figures of what was found in every photograph.

    Returns:
        `ap50` by subset, `by_height` and `by_set` over all labelled faces, `best_f1`, and `landmarks` where both sides
        have them: mean error as a multiple of the box size, failure rate, and faces compared. AP is a fraction.
    """
    assert photographs.truth is not None
    rows = {name: to_rows(faces.boxes_xyxy, faces.scores) for name, faces in found.items()}
    evaluation = evaluate(photographs.truth, rows)
    widest = max(photographs.truth.counted, key=lambda subset: int(photographs.truth.counted[subset].sum()))
    report: dict[str, Any] = {
        "ap50": {subset: _ap(curve) for subset, curve in evaluation.subsets().items()},
        "by_height": {
            f"{low}-{high} px": _ap(curve) for (low, high), curve in evaluation.by_size(widest, BANDS).items()
        },
        "best_f1": round(evaluation.best_operating_point(widest).f1, 4),
    }
    if photographs.landmarks:
        report["by_set"] = {name: _ap(curve) for name, curve in evaluation.by_event(widest).items()}
        report["landmarks"] = landmark_errors(photographs, found)
    return report


def landmark_errors(photographs: Photographs, found: Mapping[str, Faces]) -> dict[str, float] | None:
    """Errors of the landmarks of faces that were found; None for a detector without landmarks."""
    predicted = {name: _landmark_faces(faces) for name, faces in found.items()}
    pairs = pair_images(predicted, photographs.landmarks)
    sizes = box_sizes(pairs.boxes_xywh)
    measured = landmark_accuracy(normalised_errors(pairs.predicted, pairs.annotated, pairs.visible, sizes))
    if not len(measured.face_errors):
        return None
    return {
        "nme_box": round(measured.nme, 5),
        "failure_rate": round(measured.failure_rate, 4),
        "faces": len(measured.face_errors),
    }


def _landmark_faces(faces: Faces) -> LandmarkFaces:
    boxes = to_rows(faces.boxes_xyxy, faces.scores)
    shown = np.isfinite(faces.landmarks).all(axis=2)
    return LandmarkFaces(boxes[:, :4], faces.landmarks.astype(np.float64), shown, boxes[:, 4])


def _ap(curve: PrecisionRecall) -> float | None:
    return round(float(curve.ap), 4) if curve.num_faces else None
