"""Precision, recall and F1 at one confidence. Source: the evaluation indices of SR-YOLOv5, section 1.4."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class OperatingPoint:
    """What a detector does at one confidence.

    Attributes:
        confidence: lowest score that is kept, on the scale of the detector; NaN where nothing was detected.
        precision: share of the kept detections that found a face, each face once; NaN where none is kept.
        recall: share of the faces that were found; NaN where no face counts.
        f1: harmonic mean of both, 2 found / (kept + faces); NaN where both are undefined.
    """

    confidence: float
    precision: float
    recall: float
    f1: float


def operating_point_at(
    proposal_scores: NDArray[np.float64], face_scores: NDArray[np.float64], num_faces: int, confidence: float
) -> OperatingPoint:
    """The operating point of all detections that score `confidence` or more.

    Args:
        proposal_scores: (P,) scores of the detections that claim a counted face or none.
        face_scores: (K,) for each counted face that was found, the best score that found it.
        num_faces: number of faces that count.
        confidence: lowest score kept.
    """
    kept = int((proposal_scores >= confidence).sum())
    found = int((face_scores >= confidence).sum())
    return OperatingPoint(
        confidence=confidence,
        precision=found / kept if kept else float("nan"),
        recall=found / num_faces if num_faces else float("nan"),
        f1=2 * found / (kept + num_faces) if kept + num_faces else float("nan"),
    )


def best_operating_point(
    proposal_scores: NDArray[np.float64], face_scores: NDArray[np.float64], num_faces: int
) -> OperatingPoint:
    """The operating point of highest F1 over all scores that occur; the highest confidence among equals."""
    if not proposal_scores.size:
        return operating_point_at(proposal_scores, face_scores, num_faces, float("nan"))
    candidates = np.unique(proposal_scores)[::-1]
    kept = _reaching(proposal_scores, candidates)
    found = _reaching(face_scores, candidates)
    f1 = 2 * found / (kept + num_faces)
    return operating_point_at(proposal_scores, face_scores, num_faces, float(candidates[f1.argmax()]))


def _reaching(scores: NDArray[np.float64], candidates: NDArray[np.float64]) -> NDArray[np.int64]:
    """(C,) how many of the scores are at or above each candidate."""
    return len(scores) - np.searchsorted(np.sort(scores), candidates, side="left")
