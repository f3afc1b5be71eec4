"""Precision-recall curves over score thresholds, the area under them, and precision, recall and F1 at one confidence.

Source: the evaluation tools of WIDER FACE (Yang et al., CVPR 2016), whose average precision follows PASCAL
VOC 2010; for the operating point the evaluation indices of SR-YOLOv5, section 1.4.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class PrecisionRecall:
    """One precision-recall curve.

    Attributes:
        num_faces: number of faces that count.
        thresholds: (T,) scores on the normalised scale 0..1, falling.
        proposals: (T,) detections at or above the threshold, without those that claim an ignored face.
        found: (T,) counted faces that some detection at or above the threshold claims.
    """

    num_faces: int
    thresholds: NDArray[np.float64]
    proposals: NDArray[np.int64]
    found: NDArray[np.int64]

    @property
    def precision(self) -> NDArray[np.float64]:
        """(T,) found / proposals; 0 where nothing is proposed yet."""
        return np.divide(self.found, self.proposals, out=np.zeros(len(self.found)), where=self.proposals > 0)

    @property
    def recall(self) -> NDArray[np.float64]:
        """(T,) found / faces; NaN where no face counts."""
        return self.found / self.num_faces if self.num_faces else np.full(len(self.found), np.nan)

    @property
    def ap(self) -> float:
        """Average precision in 0..1; NaN where no face counts."""
        return average_precision(self.precision, self.recall) if self.num_faces else float("nan")


def score_thresholds(num_thresholds: int) -> NDArray[np.float64]:
    """(T,) thresholds 1 - 1/T, 1 - 2/T, ..., 0, computed by the very expression of the official tools."""
    return 1 - np.arange(1, num_thresholds + 1) / num_thresholds


def normalise_scores(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scores of all images together, mapped so that the lowest is 0 and the highest 1.

    Equal scores all become 1, as in the fixed version of the official tools, whose first version divides 0 by
    0.
    """
    if not scores.size:
        return scores
    low, high = scores.min(), scores.max()
    return (scores - low) / (high - low) if high > low else np.ones_like(scores)


def first_threshold(normalised_scores: NDArray[np.float64], thresholds: NDArray[np.float64]) -> NDArray[np.int64]:
    """Index of the highest threshold that each score reaches.

    Args:
        normalised_scores: (n,) in 0..1.
        thresholds: (T,) falling to 0, so that every score reaches the last one.
    """
    return np.searchsorted(-thresholds, -normalised_scores, side="left")


def average_precision(precision: NDArray[np.float64], recall: NDArray[np.float64]) -> float:
    """Area under the curve whose precision is, at each recall, the best one at that recall or beyond.

    Args:
        precision: (T,).
        recall: (T,) rising.
    """
    steps = np.diff(recall, prepend=0.0)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(steps * envelope))


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
