"""Painted faces, and a network that finds nothing else: exact, quick, and the same however it is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ultra_face.runtimes.network import Signature

FACE = (255, 0, 0)
"""BGR of a face."""

# BGR of its eye, eye, nose, mouth corner, mouth corner, and where these are as shares of its box.
LANDMARKS = {(0, 0, 255): (0.3, 0.3), (0, 255, 0): (0.7, 0.3), (0, 255, 255): (0.5, 0.55),
             (255, 0, 255): (0.35, 0.8), (255, 255, 0): (0.65, 0.8)}  # fmt: skip
DOT = 0.12
"""Side of a landmark's square, as a share of the face."""


def paint(image_hw: tuple[int, int], *faces: tuple[int, int, int]) -> NDArray[np.uint8]:
    """A black photograph with faces, each (left, top, side) [px]."""
    image = np.zeros((*image_hw, 3), np.uint8)
    for left, top, side in faces:
        image[top : top + side, left : left + side] = FACE
        for colour, place in LANDMARKS.items():
            x, y = landmark(left, top, side, place)
            half = DOT * side / 2
            image[round(y - half) : round(y + half), round(x - half) : round(x + half)] = colour
    return image


def landmark(left: int, top: int, side: int, place: tuple[float, float]) -> tuple[float, float]:
    return left + place[0] * side, top + place[1] * side


def landmarks_of(left: int, top: int, side: int) -> NDArray[np.float64]:
    """Of a painted face (5, 2) [px]."""
    return np.array([landmark(left, top, side, place) for place in LANDMARKS.values()])


SIGNATURE = Signature(1, 3, 32, None)


@dataclass
class PaintedNetwork:
    """Finds painted faces, whole or cut; their score is the share of the input's longer side.

    Like a trained network, it calls that eye the first which is left on an upright face: in a mirrored view it is the
    other one.
    """

    signature: Signature = SIGNATURE
    providers: tuple[str, ...] = ("paint",)
    sees_photographs: bool = False

    def __post_init__(self) -> None:
        self.batches: list[tuple[int, ...]] = []
        self.photographs: list[Sequence[NDArray[np.uint8]]] = []

    def __call__(self, inputs: NDArray[np.float32], photographs: Sequence[NDArray[np.uint8]]) -> NDArray[np.float64]:
        self.batches.append(inputs.shape)
        self.photographs.append(photographs)
        found = [_find(image) for image in inputs]
        columns = np.zeros((len(found), 20, max(map(len, found))))
        for of_image, rows in zip(columns, found, strict=True):
            of_image[:, : len(rows)] = np.array(rows).reshape(-1, 20).T
        return columns


def _find(image: NDArray[np.float32]) -> list[list[float]]:
    red, green, blue = image > 0.5
    painted = (red | green | blue).astype(np.uint8)
    count, _, boxes, _ = cv2.connectedComponentsWithStats(painted, connectivity=8)
    rows = []
    for left, top, width, height, _ in boxes[1:count]:
        window = np.s_[top : top + height, left : left + width]
        points = []
        for b, g, r in LANDMARKS:
            is_dot = (red[window] == (r > 0)) & (green[window] == (g > 0)) & (blue[window] == (b > 0))
            ys, xs = np.nonzero(is_dot)
            points.append((xs.mean() + 0.5 + left, ys.mean() + 0.5 + top) if len(xs) else (np.nan, np.nan))
        points = _as_trained(np.array(points))
        score = min(1.0, max(width, height) / max(image.shape))
        rows.append([left + width / 2, top + height / 2, width, height, score, *_with_visibility(points)])
    return rows


def _as_trained(points: NDArray[Any]) -> NDArray[Any]:
    (x1, y1), (x2, y2) = points[1] - points[0], points[3:].mean(0) - points[:2].mean(0)
    mirrored = x1 * y2 - y1 * x2 < 0  # from eye to eye, then down to the mouth: a turn to the right when upright
    return points[[1, 0, 2, 4, 3]] if mirrored else points


def _with_visibility(points: NDArray[Any]) -> list[float]:
    return np.concatenate([points, np.linspace(0.5, 0.9, 5)[:, None]], axis=1).ravel().tolist()
