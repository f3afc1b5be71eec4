"""Landmark errors in Ultralytics' validation, where faces are annotated with five landmarks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from ultralytics.utils import LOGGER

from ultra_face.evaluation.landmarks import FAILURE_THRESHOLD, measure, summarise_landmarks
from ultra_face.evaluation.matching import FacePairs, join_pairs, pair_landmarks
from ultra_face.faces import MIRRORED_LANDMARKS, Faces
from ultra_face.formats.annotation import FaceAnnotations
from ultra_face.plugin.callbacks.observers import Prediction, labelled_boxes

KEY = "landmark_errors"
FIGURES = {"box size": "metrics/NME-box(L)", "eye distance": "metrics/NME-eyes(L)"}
WORST = dict.fromkeys(FIGURES.values(), 1.0)
"""An error as large as the face; larger ones count as this."""


def are_wanted(data: Mapping[str, Any], *, face_model: bool) -> bool:
    """Whether landmark errors are measured: for face models on five landmarks, for others if the data YAML asks.

    Raises:
        ValueError: the data YAML asks for them on other landmarks, or with something else than true or false.
    """
    asked = data.get(KEY)
    if asked not in (None, True, False):
        raise ValueError(f"data YAML, {KEY}: expected true or false, got {asked!r}")
    if asked and not has_face_landmarks(data):
        raise ValueError(
            f"data YAML, {KEY}: expected kpt_shape [5, 3] or [5, 2] and flip_idx {list(MIRRORED_LANDMARKS)}, got "
            f"{data.get('kpt_shape')} and {data.get('flip_idx')}; correct them, or leave out {KEY}"
        )
    return has_face_landmarks(data) and (face_model if asked is None else asked)


def has_face_landmarks(data: Mapping[str, Any]) -> bool:
    """Whether a data YAML describes eye, eye, nose, mouth, mouth: by `kpt_shape` and how `flip_idx` mirrors them."""
    shape, mirrored = list(data.get("kpt_shape") or []), tuple(data.get("flip_idx") or ())
    return len(shape) == 2 and shape[0] == len(MIRRORED_LANDMARKS) and mirrored == MIRRORED_LANDMARKS


class LandmarkObserver:
    """Pairs predicted with annotated faces, image by image, in pixels of the network's input."""

    worst = WORST

    def __init__(self) -> None:
        self.pairs: list[FacePairs] = []

    def see(self, prediction: Prediction, index: int, batch: dict[str, Any]) -> None:
        """Pair the faces of one image."""
        here = (batch["batch_idx"] == index).view(-1)
        height, width = batch["img"].shape[2:]
        scale = np.array([width, height], np.float64)
        boxes = labelled_boxes(batch, index)
        keypoints = batch["keypoints"][here].cpu().numpy().astype(np.float64)
        shown = keypoints[..., 2] > 0 if keypoints.shape[-1] == 3 else (keypoints[..., :2] != 0).any(axis=-1)
        landmarks = np.concatenate([keypoints[..., :2] * scale, shown[..., None]], axis=2)
        annotated = FaceAnnotations("", "the labels", boxes, landmarks, np.zeros(len(boxes), np.bool_))
        found = prediction["bboxes"].cpu().numpy().astype(np.float64)
        points = prediction["keypoints"].cpu().numpy().astype(np.float64)[..., :2]
        scores = prediction["conf"].cpu().numpy().astype(np.float64)
        self.pairs.append(pair_landmarks(Faces(found, points, scores), annotated))

    def figures(self) -> dict[str, float]:
        """Normalised mean errors, 0..1; NaN where no annotated face was found."""
        accuracies = measure(join_pairs(self.pairs))
        return {name: float(np.minimum(accuracies[size].nme, WORST[name])) for size, name in FIGURES.items()}

    def tell(self, validator: Any) -> None:
        """Print one line, and put the record on the metrics as `landmarks`; silent without annotated landmarks."""
        pairs = join_pairs(self.pairs)
        if not pairs.num_annotated:
            return
        record = summarise_landmarks(measure(pairs), pairs)
        box, eyes = record["box size"], record["eye distance"]
        LOGGER.info(
            f"Landmarks: NME {_percent(box['nme'])} of the box size, {_percent(eyes['nme'])} of the eye distance; "
            f"{_percent(box['failure_rate'])} above {FAILURE_THRESHOLD:g} of the box size "
            f"({len(pairs.predicted):,} of {pairs.num_annotated:,} faces with landmarks found)"
        )
        validator.metrics.landmarks = record


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.2f} %"
