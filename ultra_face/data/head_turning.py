"""Faces of a photograph turned: pixels, landmarks and box move with the depth of a general head.

Source: YOLOv5n-AESVC names 3D face reconstruction as future work against strong poses; Zhu et al., "Face alignment
across large poses", CVPR 2016, turn photographs by a fitted surface. Deviation: the surface is no reconstruction but
the one ellipsoid with a nose of `head_surface`, placed by five landmarks. What the photograph does not show, such as
the side of a cheek that was behind its outline, is drawn out of what it shows before that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ultra_face.data.head_surface import (
    MIDDLE,
    depths,
    drawn_out,
    face_extent,
    outline_extent,
    share_of_face,
    smooth_step,
)
from ultra_face.pictures.pose import MEAN_FACE, euler_angles, fit_mean_face, rotation_matrices

FloatArray = NDArray[np.float64]

LEAST_SIDE = 24.0
"""Shorter side of a box [px] below which a face is left alone."""

MOST_YAW, MOST_PITCH = 20.0, 30.0
"""Turn of a face [degrees] from which on it is left alone: the photograph shows too little of its other side."""

MOST_MISFIT = 0.15
"""Root mean square distance of the landmarks from those of the mean face [eye distances] that is still a head's."""

FEATHER = 0.18
"""Within this distance of the outline the turned head fades into the photograph [eye distances]."""

HIDDEN_BEHIND = 0.05
"""A landmark that lies so far behind the surface [eye distances] is hidden."""

FULL_TURN = 15.0
"""From so far a turn [degrees] on, all that the photograph does not show well is drawn out of what it does."""

MAX_NODES = 96
"""The map is computed at so many points of a side at most, and linear between them."""

HIDDEN = 1
"""Visibility of a landmark that is labelled but not seen."""


@dataclass(frozen=True, eq=False)
class TurnedFace:
    """A photograph in which one face has turned.

    Attributes:
        pixels: (H, W, C), a copy; beside the head's outline it is equal to the photograph.
        box: left, top, right, bottom (4,) [px].
        landmarks: (5, 3) x, y [px] and visibility.
    """

    pixels: NDArray[Any]
    box: FloatArray
    landmarks: FloatArray


@dataclass(frozen=True, eq=False)
class Head:
    """Where a head stands in a photograph, seen without perspective.

    Attributes:
        rotation: (3, 3).
        eye_distance: [px], as from the front.
        middle: x, y of the ellipsoid's middle (2,) [px].
    """

    rotation: FloatArray
    eye_distance: float
    middle: FloatArray

    @property
    def angles(self) -> FloatArray:
        """Yaw, pitch and roll (3,) [degrees], see `Faces.pose`."""
        return np.asarray(euler_angles(self.rotation[None])[0], np.float64)

    def turned(self, yaw: float, pitch: float) -> Head:
        """The head with these angles [degrees] added to its own: about its own upright axis, whatever its roll."""
        rotation = rotation_matrices(self.angles[None] + [yaw, pitch, 0.0])[0] if yaw or pitch else self.rotation
        return Head(rotation, self.eye_distance, self.middle)

    def to_camera(self, points: FloatArray) -> FloatArray:
        """Points (M, 2) of the photograph [px] -> points (M, 2) about the head's middle [eye distances]."""
        return (points - self.middle) / self.eye_distance

    def to_pixels(self, points: FloatArray) -> FloatArray:
        """Points (M, 2 or 3) about the head's middle [eye distances] -> points (M, 2) of the photograph [px]."""
        return np.asarray(points[:, :2] * self.eye_distance + self.middle, np.float64)

    def surface(self, points: FloatArray) -> FloatArray:
        """Points (M, 2) [eye distances] with the depth of the head (M, 3), NaN beside it."""
        return np.concatenate([points, depths(points, self.rotation)[:, None]], axis=1)

    def outline(self) -> FloatArray:
        """Left, top, right, bottom (4,) of the head with its nose [px]."""
        return self.to_pixels(outline_extent(self.rotation).reshape(2, 2)).ravel()

    def face(self) -> FloatArray:
        """Left, top, right, bottom (4,) of the face [px], from forehead to chin."""
        return self.to_pixels(face_extent(self.rotation).reshape(2, 2)).ravel()


def fit_head(points: FloatArray) -> Head | None:
    """The head whose mean face lies closest to landmarks (5, 2) [px]; None where they are those of no head."""
    mean = points.mean(axis=0)
    about_mean = points - mean
    if not about_mean.any():
        return None
    rotations, scales = fit_mean_face(about_mean[None])
    rotation, eye_distance = rotations[0], float(scales[0])
    fitted = (MEAN_FACE - MEAN_FACE.mean(axis=0)) @ rotation[:2].T * eye_distance
    if not eye_distance > 0 or np.sqrt(((fitted - about_mean) ** 2).mean()) > MOST_MISFIT * eye_distance:
        return None
    return Head(rotation, eye_distance, mean + (MIDDLE - MEAN_FACE.mean(axis=0)) @ rotation[:2].T * eye_distance)


def turn_face(
    photograph: NDArray[Any],
    box: FloatArray,
    landmarks: FloatArray,
    *,
    yaw: float,
    pitch: float,
    others: FloatArray,
) -> TurnedFace | None:
    """Turn one face of a photograph about the middle of its head; None where it must be left alone.

    It is left alone where it is small, lacks a landmark, is turned already, reaches over the edge of the photograph,
    has landmarks that fit no head, or where its head lies over the box of another face, before or after.

    Landmarks move with the surface. One that is behind it afterwards gets visibility 1, labelled but not seen: its
    place is known as exactly as that of the others, so the network can learn it. The losses of this package and of
    Ultralytics train each landmark whose visibility is not 0; 0 would teach the network that nothing is there.

    Args:
        photograph: (H, W, C).
        box: left, top, right, bottom (4,) [px].
        landmarks: (5, 3) x, y [px] and visibility, 0 missing.
        yaw: to the right side of the upright face [degrees].
        pitch: up [degrees].
        others: boxes of the other faces (N, 4), left, top, right, bottom [px].
    """
    if (box[2:] - box[:2]).min() < LEAST_SIDE or not (landmarks[:, 2] > 0).all():
        return None
    before = fit_head(landmarks[:, :2])
    if before is None or (np.abs(before.angles[:2]) > [MOST_YAW, MOST_PITCH]).any():
        return None
    after = before.turned(yaw, pitch)
    size = np.array(photograph.shape[1::-1])
    if any(_is_beyond(head.outline(), size) or _overlaps(head.outline(), others) for head in (before, after)):
        return None
    on_head = before.surface(before.to_camera(landmarks[:, :2]))
    if np.isnan(on_head).any():
        return None
    moved = on_head @ (before.rotation @ after.rotation.T)
    is_hidden = moved[:, 2] > after.surface(moved[:, :2])[:, 2] + HIDDEN_BEHIND
    visibility = np.where(is_hidden, np.minimum(landmarks[:, 2], HIDDEN), landmarks[:, 2])
    points = np.concatenate([after.to_pixels(moved), visibility[:, None]], axis=1)
    old, new = before.face().reshape(2, 2), after.face().reshape(2, 2)
    share = (box.reshape(2, 2) - old[0]) / (old[1] - old[0])
    moved_box = np.clip(new[0] + share * (new[1] - new[0]), 0, size).ravel()
    return TurnedFace(_warp(photograph, before, after), moved_box, points)


def _is_beyond(outline: FloatArray, size: NDArray[Any]) -> bool:
    return bool((outline[:2] < 0).any() or (outline[2:] > size).any())


def _overlaps(outline: FloatArray, boxes: FloatArray) -> bool:
    return bool(((outline[:2] < boxes[:, 2:]) & (boxes[:, :2] < outline[2:])).all(axis=1).any())


def _warp(photograph: NDArray[Any], before: Head, after: Head) -> NDArray[Any]:
    """The photograph with the head turned: each pixel of the turned head comes from where its point was before."""
    height, width = photograph.shape[:2]
    outline = after.outline()
    left, top = np.floor(outline[:2]).astype(int).tolist()
    sides = np.ceil(outline[2:]) - [left, top]
    cell = int(np.ceil(sides.max() / MAX_NODES))
    columns, rows = np.ceil(sides / cell).astype(int).tolist()
    x, y = np.meshgrid(left + (np.arange(columns) + 0.5) * cell, top + (np.arange(rows) + 0.5) * cell)
    nodes = np.stack([x.ravel(), y.ravel()], axis=1)
    surface = after.surface(after.to_camera(nodes))
    is_head = ~np.isnan(surface[:, 2])
    shift = np.zeros_like(nodes)
    on_head = surface[is_head] @ after.rotation
    turn = np.hypot(*(after.angles - before.angles)[:2])
    shown = drawn_out(on_head, yaw=float(before.angles[0]))
    is_face = share_of_face(on_head)
    on_head += min(turn / FULL_TURN, 1.0) * (shown - on_head)  # so that a smaller turn changes less, and none nothing
    shift[is_head] = before.to_pixels(on_head @ before.rotation.T) - nodes[is_head]

    full = columns * cell, rows * cell
    shift_x, shift_y = (cv2.resize(part.reshape(rows, columns), full) for part in shift.T)
    opacity = _opacity(is_head.reshape(rows, columns), FEATHER * before.eye_distance / cell)
    opacity[is_head.reshape(rows, columns)] *= is_face
    opacity = cv2.resize(opacity, full)
    x, y = np.meshgrid(left + np.arange(full[0]), top + np.arange(full[1]))
    here = (opacity > 0) & (x >= 0) & (y >= 0) & (x < width) & (y < height)
    source_x, source_y = ((index + part).astype(np.float32) for index, part in ((x, shift_x), (y, shift_y)))
    warped = cv2.remap(photograph, source_x, source_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    warped = warped.reshape(*full[::-1], -1)

    blended: NDArray[Any] = photograph.copy()
    place = y[here], x[here]
    share = opacity[here][:, None]
    blended[place] = np.rint(share * warped[here] + (1 - share) * photograph[place]).astype(photograph.dtype)
    return blended


def _opacity(is_head: NDArray[np.bool_], feather: float) -> FloatArray:
    """How much of the turned head is seen (H, W): 1, and within `feather` [nodes] of its outline smoothly less."""
    padded = np.pad(is_head, 1).astype(np.uint8)
    inwards = cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1].astype(np.float64)
    return smooth_step((inwards - 0.5) / max(feather, 1.0))
