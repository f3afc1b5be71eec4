"""What five landmarks tell of a head: the distance of its eyes, and how it is turned.

The turn is that of a rigid mean face, rotated and scaled until its projection fits the landmarks.

Source: DeMenthon and Davis, "Model-based object pose in 25 lines of code", IJCV 1995, for the projection without
perspective; the rotation is refined by lifting the landmarks to the depths that it gives them and by fitting again.

Deviation: the mean face is our own. It is the one of two symmetric halves that fits the 7,138 annotated faces of MTFL
(Zhang et al. 2014) best, each in its own pose; five such points leave open how the face is nodding when it counts as
straight, and here the median of these photographs is straight. The fit leaves 0.035 eye distances in each coordinate.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

MEAN_FACE = np.array([[-0.5, 0, 0], [0.5, 0, 0], [0, 0.56, -0.42], [-0.42, 1.02, 0.07], [0.42, 1.02, 0.07]])
"""Five landmarks [eye distances]: x to the right, y down, z away from the viewer."""

LEAST_EYE_DISTANCE = 8.0
"""Distance of the eyes, seen from the front [px], below which an error of one pixel hides the pose."""

ROUNDS = 10


def eye_distance(landmarks: NDArray[Any]) -> FloatArray:
    """Landmarks (N, 5, 2) [px] -> distance of the eyes (N,) [px]."""
    return np.asarray(np.hypot(*_between_eyes(landmarks)), np.float64)


def roll(landmarks: NDArray[Any]) -> FloatArray:
    """Landmarks (N, 5, 2) [px] -> angle of the line through the eyes (N,) [degrees]; see `Faces.roll`."""
    x, y = _between_eyes(landmarks)
    return np.asarray(np.where(np.hypot(x, y) > 0, np.rad2deg(np.arctan2(y, x)), np.nan), np.float64)


def pose(landmarks: NDArray[Any]) -> FloatArray:
    """Landmarks (N, 5, 2) [px] -> yaw, pitch and roll (N, 3) [degrees]; see `Faces.pose`."""
    angles = np.full((len(landmarks), 3), np.nan)
    known = np.flatnonzero(np.isfinite(landmarks).all(axis=(1, 2)))
    points = landmarks[known].astype(np.float64)
    points -= points.mean(axis=1, keepdims=True)
    rotations, eye_distances = fit_mean_face(points)
    large = eye_distances >= LEAST_EYE_DISTANCE
    angles[known[large]] = euler_angles(rotations[large])
    return angles


def _between_eyes(landmarks: NDArray[Any]) -> FloatArray:
    """From the left eye to the right one: x and y (2, N) [px]."""
    eyes = landmarks[:, :2].astype(np.float64)
    return np.asarray((eyes[:, 1] - eyes[:, 0]).T, np.float64)


def euler_angles(rotations: FloatArray) -> FloatArray:
    """Rotations (N, 3, 3), roll after yaw after pitch, as yaw, pitch and roll (N, 3) [degrees]."""
    yaw = np.arcsin(np.clip(rotations[:, 2, 0], -1, 1))
    pitch = np.arctan2(-rotations[:, 2, 1], rotations[:, 2, 2])
    roll = np.arctan2(rotations[:, 1, 0], rotations[:, 0, 0])
    return np.asarray(np.rad2deg(np.stack([yaw, pitch, roll], axis=1)), np.float64)


def rotation_matrices(angles: FloatArray) -> FloatArray:
    """Yaw, pitch and roll (N, 3) [degrees] as rotations (N, 3, 3): `euler_angles` backwards."""
    radians = np.deg2rad(angles)
    turns = [np.tile(np.eye(3), (len(angles), 1, 1)) for _ in range(3)]
    for turn, angle, (first, second) in zip(turns, radians.T, ((0, 2), (2, 1), (0, 1)), strict=True):
        turn[:, first, first] = turn[:, second, second] = np.cos(angle)
        turn[:, second, first] = np.sin(angle)
        turn[:, first, second] = -np.sin(angle)
    yaw, pitch, roll = turns
    return np.asarray(roll @ yaw @ pitch, np.float64)


def fit_mean_face(points: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Rotations (N, 3, 3) and eye distances (N,) of the mean face that fit points (N, 5, 2) about their mean."""
    face = MEAN_FACE - MEAN_FACE.mean(axis=0)
    across = np.einsum("dk,nkc->ncd", np.linalg.pinv(face), points)  # the best two rows, not yet of a rotation
    left, _, right = np.linalg.svd(across, full_matrices=False)
    rotations = _with_third_row(left @ right)
    for _ in range(ROUNDS):
        turned = np.einsum("ncd,kd->nkc", rotations, face)
        depths = _scales(points, turned)[:, None] * turned[..., 2]
        lifted = np.concatenate([points, depths[..., None]], axis=2)
        left, _, right = np.linalg.svd(np.einsum("nkc,kd->ncd", lifted, face))
        rotations = _with_third_row((left @ right)[:, :2])
    return rotations, _scales(points, np.einsum("ncd,kd->nkc", rotations, face))


def _with_third_row(rows: FloatArray) -> FloatArray:
    """Two rows at right angles (N, 2, 3) completed to rotations (N, 3, 3), never reflections."""
    return np.concatenate([rows, np.cross(rows[:, 0], rows[:, 1])[:, None]], axis=1)


def _scales(points: FloatArray, turned: FloatArray) -> FloatArray:
    """Factors (N,) that bring the projection of turned points (N, 5, 3) closest to points (N, 5, 2)."""
    flat = turned[..., :2]
    return np.asarray((points * flat).sum(axis=(1, 2)) / (flat**2).sum(axis=(1, 2)), np.float64)
