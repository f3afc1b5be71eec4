"""The depth of a head: an ellipsoid with a nose, in the frame of the mean face whose five landmarks lie on it.

Frame: that of `pictures.pose.MEAN_FACE`, in eye distances, x to the right, y down, z away from the viewer; the origin
is the middle of the ellipsoid. The camera's frame is the same after the head's rotation, seen without perspective.

Source: the shape is our own. An adult head is 15 cm wide, 20 cm high and 18 cm long, at pupils 6.3 cm apart. The
ellipsoid stands so that the eyes and the corners of the mouth of the mean face lie on it, the nose as high as its tip.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ultra_face.pictures.pose import MEAN_FACE

FloatArray = NDArray[np.float64]

AXES = np.array([1.2, 1.6, 1.45])
"""Half of the head's width, height and length [eye distances]."""


def _middle() -> FloatArray:
    """Where the ellipsoid stands in the frame of the mean face: the height at which it meets eyes and mouth best."""
    eyes_and_mouth = MEAN_FACE[[0, 1, 3, 4]]
    heights = np.linspace(0, 1, 1001)[:, None]
    across = (eyes_and_mouth[:, 0] / AXES[0]) ** 2 + ((eyes_and_mouth[:, 1] - heights) / AXES[1]) ** 2
    backs = eyes_and_mouth[:, 2] + AXES[2] * np.sqrt(1 - across)
    best = backs.std(axis=1).argmin()
    return np.array([0.0, heights[best, 0], backs[best].mean()])


MIDDLE = _middle()
"""Middle of the ellipsoid in the frame of the mean face [eye distances]."""

NOSE_TIP = MEAN_FACE[2] - MIDDLE
NOSE_HEIGHT = float(-NOSE_TIP[2] - AXES[2] * np.sqrt(1 - ((NOSE_TIP[:2] / AXES[:2]) ** 2).sum()))
NOSE_WIDTH, NOSE_ABOVE, NOSE_BELOW = 0.17, 0.32, 0.13
"""Standard deviations of the nose's relief beside, above and below its tip [eye distances]."""

NOSE_REACH, NOSE_STEPS, BISECTIONS = 1.2, 32, 10
"""How far around and before the ellipsoid the nose is looked for [eye distances], and in how many steps."""

LAST_AT_TEMPLE, LAST_AT_JAW, LAST_SEEN = 65.0, 38.0, 60.0
"""Angles round the upright axis [degrees, of the ellipse] up to which a photograph shows the face: on the head at its
temples and at its jaw, and from the camera."""

FACE_ENDS = 80.0, 100.0
"""Angles round the upright axis [degrees, of the ellipse] between which the face ends."""

JAW = 0.8
"""Height of the jaw below the middle, as a share of half the head's height."""


def relief(points: FloatArray) -> FloatArray:
    """How far the nose stands out of the ellipsoid towards -z, at points (..., 2 or 3) of the head -> (...)."""
    x, y = points[..., 0], points[..., 1] - NOSE_TIP[1]
    slope = np.where(y < 0, NOSE_ABOVE, NOSE_BELOW)
    return np.asarray(NOSE_HEIGHT * np.exp(-((x / NOSE_WIDTH) ** 2 + (y / slope) ** 2) / 2), np.float64)


def depths(points: FloatArray, rotation: FloatArray) -> FloatArray:
    """Depth of the nearest point of a turned head behind each point of the picture: (M, 2) -> (M,), NaN beside it.

    The ellipsoid is met where a square equation says. A ray that passes the nose is followed from before it, so that of
    several points the nearest counts.

    Args:
        points: x, y in the camera's frame [eye distances].
        rotation: of the head, (3, 3).
    """
    starts, step = points @ rotation[:2], rotation[2]  # of the rays, in the head's frame
    a = ((step / AXES) ** 2).sum()
    half_b = (starts * step / AXES**2).sum(axis=1)
    c = ((starts / AXES) ** 2).sum(axis=1) - 1
    discriminant = half_b**2 - a * c
    met = discriminant >= 0
    nearest = (-half_b - np.sqrt(np.where(met, discriminant, 0.0))) / a  # beside the head: where the ray passes it
    at_nose = np.hypot(*(points - NOSE_TIP @ rotation[:2].T).T) < NOSE_REACH
    with_nose = _before_nose(starts[at_nose], step, nearest[at_nose], met[at_nose])
    found = np.where(met, nearest, np.nan)
    found[at_nose] = with_nose
    return found


def _before_nose(starts: FloatArray, step: FloatArray, nearest: FloatArray, met: NDArray[np.bool_]) -> FloatArray:
    """Depths (M,) at which rays enter the head with its nose; NaN where they pass it."""
    ahead = np.linspace(NOSE_REACH, 0, NOSE_STEPS + 1)
    inside = _inside(starts[:, None] + (nearest[:, None] - ahead)[..., None] * step)
    inside[:, -1] |= met
    first = inside.argmax(axis=1)
    far = nearest - ahead[first]
    near = far - NOSE_REACH / NOSE_STEPS
    on_ellipsoid = met & ~_inside(starts + far[:, None] * step)
    for _ in range(BISECTIONS):
        middle = (near + far) / 2
        is_inside = _inside(starts + middle[:, None] * step)
        near, far = np.where(is_inside, near, middle), np.where(is_inside, middle, far)
    return np.where(inside.any(axis=1), np.where(on_ellipsoid, nearest, far), np.nan)


def share_of_face(points: FloatArray) -> FloatArray:
    """1 on the face, 0 behind the ears and smoothly between: points (M, 3) on the surface -> (M,)."""
    x, _, z = _without_nose(points).T / AXES[:, None]
    before_ears, behind_ears = FACE_ENDS
    return smooth_step((behind_ears - np.rad2deg(np.arctan2(np.abs(x), -z))) / (behind_ears - before_ears))


def smooth_step(share: FloatArray) -> FloatArray:
    """0 up to 0, 1 from 1 on, and level at both: 3 s^2 - 2 s^3."""
    held = np.clip(share, 0, 1)
    return np.asarray(held**2 * (3 - 2 * held), np.float64)


def drawn_out(points: FloatArray, *, yaw: float) -> FloatArray:
    """Where on the head the picture of its points (M, 3) is taken from: themselves, or towards the face -> (M, 3).

    Beside the jaw and behind the temples an ellipsoid has background and hair, and beyond its outline nothing. So
    angles round the upright axis are pressed together from 3/4 of the last good one on. The landmarks lie before that.

    Args:
        points: on the surface.
        yaw: of the head in the photograph [degrees].
    """
    x, y, z = _without_nose(points).T / AXES[:, None]
    angle, radius = np.arctan2(x, -z), np.hypot(x, z)
    side = np.sign(angle)
    at_jaw = np.clip(y / JAW, 0, 1)
    last = np.deg2rad(np.minimum(LAST_AT_TEMPLE + at_jaw * (LAST_AT_JAW - LAST_AT_TEMPLE), LAST_SEEN - side * yaw))
    rest = last / 4
    beyond = np.maximum(np.abs(angle) - (last - rest), 0)
    angle = angle - side * (beyond - rest * (1 - np.exp(-beyond / rest)))
    moved = AXES * np.stack([radius * np.sin(angle), y, -radius * np.cos(angle)], axis=1)
    moved[:, 2] -= relief(moved)
    return np.asarray(moved, np.float64)


def _inside(points: FloatArray) -> NDArray[np.bool_]:
    """Whether points (..., 3) of the head's frame lie within the head."""
    return np.asarray(((_without_nose(points) / AXES) ** 2).sum(axis=-1) < 1)


def _without_nose(points: FloatArray) -> FloatArray:
    """Points (..., 3) of the head, pushed back to where they are on the ellipsoid."""
    return points + relief(points)[..., None] * [0, 0, 1]


def _face() -> FloatArray:
    """Points (M, 3) of the head between forehead, chin and the cheeks before the ears, which a face's box holds."""
    to_side, down = np.deg2rad(np.meshgrid(np.linspace(-75, 75, 31), np.linspace(-35, 65, 21)))
    points = AXES * np.stack([np.sin(to_side) * np.cos(down), np.sin(down), -np.cos(to_side) * np.cos(down)], axis=-1)
    points[..., 2] -= relief(points)
    return np.asarray(points.reshape(-1, 3), np.float64)


FACE = _face()


def face_extent(rotation: FloatArray) -> FloatArray:
    """Left, top, right and bottom (4,) of the turned face in the camera's frame [eye distances]."""
    seen = FACE @ rotation[:2].T
    return np.concatenate([seen.min(axis=0), seen.max(axis=0)])


def outline_extent(rotation: FloatArray) -> FloatArray:
    """Left, top, right and bottom (4,) of the turned head with its nose in the camera's frame [eye distances]."""
    reach = np.sqrt(((rotation[:2] * AXES) ** 2).sum(axis=1))
    tip = NOSE_TIP @ rotation[:2].T
    return np.concatenate([np.minimum(-reach, tip - NOSE_WIDTH), np.maximum(reach, tip + NOSE_WIDTH)])
