"""The WIDER FACE protocol: average precision on easy, medium and hard; by event and by face size too.

Source: Yang et al., "WIDER FACE: A Face Detection Benchmark", CVPR 2016, and its evaluation tools. In short:
all faces of an image take part in matching, but only those of the subset count; a detection that claims any
other face is left out, neither right nor wrong; a second detection of a counted face is wrong; scores are
normalised over all images and cut at 1,000 thresholds. `docs/widerface-protocol.md` tells it at length.

Deviation: detections need no order. The official tools cut each list after its last score above the
threshold, which equals counting the scores above it if, and only if, the list is sorted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ultra_face.evaluation.curve import (
    OperatingPoint,
    PrecisionRecall,
    best_operating_point,
    first_threshold,
    normalise_scores,
    operating_point_at,
    score_thresholds,
)
from ultra_face.evaluation.ground_truth import GroundTruth
from ultra_face.evaluation.landmarks import box_sizes
from ultra_face.evaluation.matching import claim_faces
from ultra_face.evaluation.reliability import ByBand, Judged, first_of_each, reliability
from ultra_face.formats.result_files import check_detections
from ultra_face.formats.widerface import check_same_images

SIZE_BANDS = ((0, 16), (16, 32), (32, 64), (64, 128), (128, 256), (256, np.inf))
"""Face heights [px of the original image], lower bound included, upper excluded."""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """All detections matched with all faces; every figure is a count over these arrays.

    Attributes:
        ground_truth: F faces in N images.
        iou_threshold: lowest inclusive IoU at which a detection claims a face.
        num_thresholds: number of score thresholds, T.
        detection_image: (D,) index of the image of each detection.
        detection_boxes_xywh: (D, 4) [px of the original image].
        scores: (D,) as given.
        claims: (D,) index of the face that the detection claims, or -1.
    """

    ground_truth: GroundTruth
    iou_threshold: float
    num_thresholds: int
    detection_image: NDArray[np.int64]
    detection_boxes_xywh: NDArray[np.float64]
    scores: NDArray[np.float64]
    claims: NDArray[np.int64]

    def subsets(self) -> dict[str, PrecisionRecall]:
        """The curve of each subset: easy, medium and hard with the official ground truth."""
        return {
            subset: self._curve(counted, self._proposed(counted))
            for subset, counted in self.ground_truth.counted.items()
        }

    def by_event(self, subset: str) -> dict[str, PrecisionRecall]:
        """The curve of each event, scores normalised over all events."""
        counted = self.ground_truth.counted[subset]
        proposed = self._proposed(counted)
        event = np.array([name.split("/", 1)[0] for name in self.ground_truth.images])
        return {
            name: self._curve(
                counted & (event == name)[self.ground_truth.face_image],
                proposed & (event == name)[self.detection_image],
            )
            for name in self.ground_truth.events
        }

    def by_size(
        self, subset: str, bands: tuple[tuple[float, float], ...] = SIZE_BANDS
    ) -> dict[tuple[float, float], PrecisionRecall]:
        """The curve of each band of face heights.

        Faces outside the band are ignored, and so are detections that claim no face and lie outside it
        themselves: a false alarm the size of a hand says nothing about tiny faces.
        """
        face_heights, heights = self.ground_truth.boxes_xywh[:, 3], self.detection_boxes_xywh[:, 3]
        curves = {}
        for low, high in bands:
            counted = self.ground_truth.counted[subset] & (face_heights >= low) & (face_heights < high)
            inside = (heights >= low) & (heights < high)
            curves[low, high] = self._curve(counted, self._proposed(counted) & (inside | (self.claims >= 0)))
        return curves

    def operating_point(self, subset: str, confidence: float) -> OperatingPoint:
        """Precision, recall and F1 of the detections that score `confidence` or more, without score grid."""
        return operating_point_at(*self._outcome(subset), confidence)

    def best_operating_point(self, subset: str) -> OperatingPoint:
        """The confidence of highest F1, over all scores that occur."""
        return best_operating_point(*self._outcome(subset))

    def judged(self, subset: str) -> Judged:
        """The detections that claim a counted face or none, and whether each is right; see `reliability`."""
        counted = self.ground_truth.counted[subset]
        chosen = np.flatnonzero(np.append(counted, True)[self.claims])
        right = first_of_each(self.claims, self.scores)
        sides = box_sizes(self.detection_boxes_xywh)
        return Judged(self.scores[chosen], sides[chosen], right[chosen], self.detection_image[chosen], chosen)

    @cached_property
    def widest_reliability(self) -> tuple[str, ByBand]:
        """The subset that counts the most faces, and the reliability of the boxes that claim one of these or none.

        Raises:
            ValueError: scores that can be no chance, or do not tell boxes apart.
        """
        counts = self.ground_truth.counts()
        subset = max(counts, key=counts.__getitem__)
        return subset, reliability(self.judged(subset))

    @cached_property
    def _reached(self) -> NDArray[np.int64]:
        """(D,) index of the highest threshold that each detection reaches."""
        return first_threshold(normalise_scores(self.scores), score_thresholds(self.num_thresholds))

    @cached_property
    def _face_reached(self) -> NDArray[np.int64]:
        """(F,) index of the highest threshold at which each face is found; T where it never is."""
        reached = np.full(len(self.ground_truth.boxes_xywh), self.num_thresholds, np.int64)
        claiming = self.claims >= 0
        np.minimum.at(reached, self.claims[claiming], self._reached[claiming])
        return reached

    @cached_property
    def _face_scores(self) -> NDArray[np.float64]:
        """(F,) best score among the detections that claim each face; -inf where none does."""
        scores = np.full(len(self.ground_truth.boxes_xywh), -np.inf)
        claiming = self.claims >= 0
        np.maximum.at(scores, self.claims[claiming], self.scores[claiming])
        return scores

    def _proposed(self, counted: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """(D,) True for detections that claim a counted face or none, in an image with any annotated face."""
        annotated = np.diff(self.ground_truth.offsets) > 0
        return np.append(counted, True)[self.claims] & annotated[self.detection_image]

    def _curve(self, counted: NDArray[np.bool_], proposed: NDArray[np.bool_]) -> PrecisionRecall:
        num = self.num_thresholds
        proposals = np.bincount(self._reached[proposed], minlength=num)
        found = np.bincount(self._face_reached[counted], minlength=num + 1)[:num]
        thresholds = score_thresholds(num)
        return PrecisionRecall(int(counted.sum()), thresholds, np.cumsum(proposals), np.cumsum(found))

    def _outcome(self, subset: str) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
        """Scores of all proposals, best score of every found face, number of faces that count."""
        counted = self.ground_truth.counted[subset]
        found = counted & np.isfinite(self._face_scores)
        return self.scores[self._proposed(counted)], self._face_scores[found], int(counted.sum())


def evaluate(
    ground_truth: GroundTruth,
    predictions: Mapping[str, NDArray[np.floating]],
    *,
    iou_threshold: float = 0.5,
    num_thresholds: int = 1000,
    allow_missing: bool = False,
    allow_extra: bool = False,
) -> Evaluation:
    """Match detections with faces. Time and memory grow linearly with the number of detections.

    Args:
        ground_truth: faces and subsets.
        predictions: for each image `event/name`, (n, 5) `x y w h score` [px of the original image], in any
            order.
        iou_threshold: lowest inclusive IoU at which a detection claims a face.
        num_thresholds: number of score thresholds.
        allow_missing: score images without predictions as if nothing was found there.
        allow_extra: leave out predictions for images without ground truth.

    Raises:
        ImageSetError: the images differ in a way that is not allowed.
        ResultFileError: an array is not (n, 5), not finite, or has a negative size.
    """
    check_same_images(ground_truth.images, predictions, allow_missing=allow_missing, allow_extra=allow_extra)
    detections, claims = [np.zeros((0, 5))], [np.zeros(0, np.int64)]
    for index, name in enumerate(ground_truth.images):
        found = np.asarray(predictions.get(name, np.zeros((0, 5))), np.float64)
        check_detections(name, found)
        start, stop = ground_truth.offsets[index], ground_truth.offsets[index + 1]
        claim = claim_faces(found[:, :4], ground_truth.boxes_xywh[start:stop], iou_threshold)
        detections.append(found)
        claims.append(np.where(claim >= 0, claim + start, -1))
    flat = np.concatenate(detections)
    return Evaluation(
        ground_truth=ground_truth,
        iou_threshold=iou_threshold,
        num_thresholds=num_thresholds,
        detection_image=np.repeat(np.arange(len(ground_truth.images)), [len(found) for found in detections[1:]]),
        detection_boxes_xywh=flat[:, :4],
        scores=flat[:, 4],
        claims=np.concatenate(claims),
    )
