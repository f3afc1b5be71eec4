"""Faces as the objects of Roboflow's supervision, for its annotators, zones and trackers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ultra_face.exchange.rows import import_package


def to_supervision(
    boxes_xyxy: NDArray[Any],
    landmarks: NDArray[Any],
    scores: NDArray[Any],
    *,
    visibility: NDArray[Any] | None,
    track_ids: NDArray[Any] | None,
    data: Mapping[str, NDArray[Any]],
) -> tuple[Any, Any]:
    """`Detections` and `KeyPoints` of N faces, from the fields of `Faces`.

    Raises:
        ModuleNotFoundError: supervision is not installed.
    """
    supervision = import_package("supervision", "Faces.to_supervision")
    n = len(scores)
    classes = np.zeros(n, int)
    named = {"class_name": np.full(n, "face"), **data}
    detections = supervision.Detections(
        xyxy=boxes_xyxy.astype(np.float32),
        confidence=scores.astype(np.float32),
        class_id=classes,
        tracker_id=track_ids,
        data=named,
    )
    # A point that is missing lies at (0, 0) there. The third argument has two names, by release: it is passed by place.
    points = np.where(np.isfinite(landmarks), landmarks, 0).astype(np.float32)
    confidence = None if visibility is None else visibility.astype(np.float32)
    return detections, supervision.KeyPoints(points, classes, confidence, data=named)
