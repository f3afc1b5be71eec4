"""What a network finds, read from its raw output, and moved from one frame to another; in double precision."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ultra_face.faces import MIRRORED_LANDMARKS, Faces
from ultra_face.formats.annotation import NUM_LANDMARKS
from ultra_face.runtimes.network import Signature

FloatArray = NDArray[np.floating[Any]]


def moved(faces: Faces, matrix: NDArray[np.float64], *, mirrored: bool) -> Faces:
    """The same faces in another frame.

    Args:
        faces: in one frame.
        matrix: (2, 3), which takes (x, y, 1) to the other frame; turns are quarter turns, so boxes stay boxes.
        mirrored: whether it mirrors, so that left landmarks become right ones.
    """
    turn, shift = matrix[:, :2], matrix[:, 2]
    corners = faces.boxes_xyxy.reshape(-1, 2, 2) @ turn.T + shift
    boxes = np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)
    order = list(MIRRORED_LANDMARKS) if mirrored else slice(None)
    landmarks = (faces.landmarks @ turn.T + shift)[:, order]
    visibility = None if faces.visibility is None else faces.visibility[:, order]
    return replace(faces, boxes_xyxy=boxes, landmarks=landmarks, visibility=visibility)


def clipped(faces: Faces, image_hw: tuple[int, int]) -> Faces:
    """The same faces with every corner and landmark inside the image, as Ultralytics' results have them."""
    last = np.array([image_hw[1], image_hw[0]], np.float64)
    boxes = faces.boxes_xyxy.reshape(-1, 2, 2).clip(0, last).reshape(-1, 4)
    return replace(faces, boxes_xyxy=boxes, landmarks=faces.landmarks.clip(0, last))


def read_predictions(output: FloatArray, signature: Signature, *, confidence: float) -> Faces:
    """Decode what a network gives for one image.

    Args:
        output: columns (4 + nc + 5 x D, N) or rows (N, 6 + 5 x D), see `Network.__call__`.
        signature: nc and D.
        confidence: only what scores higher is read.

    Returns:
        Faces [input px], not suppressed.

    Raises:
        ValueError: an output of neither layout.
    """
    first, landmark_values = 4 + signature.num_classes, NUM_LANDMARKS * signature.landmark_values
    if output.ndim == 2 and output.shape[0] == first + landmark_values:
        scores = output[4:first].max(axis=0)
        chosen = scores > confidence
        found = output[:, chosen].T.astype(np.float64)
        half = found[:, 2:4] / 2
        boxes, points = np.concatenate([found[:, :2] - half, found[:, :2] + half], axis=1), found[:, first:]
    elif output.ndim == 2 and output.shape[1] == 6 + landmark_values:
        scores = output[:, 4]
        chosen = scores > confidence
        found = output[chosen].astype(np.float64)
        boxes, points = found[:, :4], found[:, 6:]
    else:
        raise ValueError(
            f"{signature.source}'s output: expected {first + landmark_values} rows, or {6 + landmark_values} columns "
            f"of a file that suppresses by itself, got the shape {output.shape}; export the model again"
        )
    points = points.reshape(-1, NUM_LANDMARKS, signature.landmark_values)
    visibility = points[..., 2] if signature.landmark_values > 2 else None
    return Faces(boxes, points[..., :2], scores[chosen].astype(np.float64), visibility=visibility)
