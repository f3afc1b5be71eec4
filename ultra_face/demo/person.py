"""A person of the synthetic scenes: looks, pose, and where the face and its five landmarks are in the image.

Shapes live in face units: origin at the middle of the head, x to the right and y down in the image, half the
head's height is 1. Turning the head shifts a feature at x to where a sphere would show it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ultra_face.demo.canvas import Colour, Points, ellipse, mix
from ultra_face.formats.annotation import FloatArray

FOREHEAD = -0.78
EYE_X, EYE_Y = 0.43, -0.12
NOSE_Y = 0.24
MOUTH_X, MOUTH_Y = 0.31, 0.54

_SKINS = (
    (196, 214, 240),
    (160, 188, 232),
    (130, 165, 215),
    (96, 134, 190),
    (70, 100, 152),
    (48, 70, 112),
    (34, 48, 78),
)
_HAIRS = (
    (18, 18, 22),
    (26, 36, 56),
    (38, 62, 104),
    (96, 148, 196),
    (52, 66, 150),
    (150, 150, 150),
    (215, 215, 218),
)


@dataclass(frozen=True)
class Look:
    """What one person looks like; lengths in face units, colours BGR."""

    skin: Colour
    hair: Colour
    cloth: Colour
    lips: Colour
    iris: Colour
    half_width: float
    jaw: float
    hair_style: str
    fringe: float
    smile: float
    mouth_open: float
    eyes_open: bool
    brow_tilt: float
    eyewear: str
    beard: bool
    hat: bool


def random_look(rng: np.random.Generator) -> Look:
    """Draw a person's looks."""
    skin = _vary(_SKINS[rng.integers(len(_SKINS))], rng)
    return Look(
        skin=skin,
        hair=_vary(_HAIRS[rng.integers(len(_HAIRS))], rng),
        cloth=_vary(tuple(rng.uniform(20, 230, 3)), rng),
        lips=mix(skin, (70.0, 60.0, 170.0), rng.uniform(0.25, 0.7)),
        iris=_vary(((40, 60, 90), (110, 90, 50), (70, 100, 70))[rng.integers(3)], rng),
        half_width=rng.uniform(0.68, 0.8),
        jaw=rng.uniform(0.06, 0.24),
        hair_style=str(rng.choice(["short", "long", "bun", "bald"], p=[0.42, 0.36, 0.1, 0.12])),
        fringe=rng.uniform(-0.72, -0.45),
        smile=rng.uniform(-0.05, 0.16),
        mouth_open=rng.uniform(0.02, 0.16) if rng.random() < 0.45 else 0.0,
        eyes_open=rng.random() < 0.92,
        brow_tilt=rng.uniform(-0.08, 0.08),
        eyewear=str(rng.choice(["none", "glasses", "sunglasses"], p=[0.78, 0.14, 0.08])),
        beard=rng.random() < 0.15,
        hat=rng.random() < 0.1,
    )


@dataclass(frozen=True, eq=False)
class Pose:
    """Where a head is in the image and how it is held.

    Attributes:
        centre_xy: Middle of the head [px].
        radius: Half the head's height [px].
        roll: Rotation in the image plane, clockwise [rad].
        yaw: Turn to the right of the image [rad].
        nod: Shift of the features downwards [face units].
    """

    centre_xy: FloatArray
    radius: float
    roll: float
    yaw: float
    nod: float


class Person:
    """A look in a pose: where its box and landmarks are, and where each point of its face is."""

    def __init__(self, look: Look, pose: Pose) -> None:
        self.look, self.pose = look, pose
        cosine, sine = np.cos(pose.roll), np.sin(pose.roll)
        self._rotation = np.array([[cosine, sine], [-sine, cosine]])

    def landmarks_xy(self) -> FloatArray:
        """Eye, eye, nose, mouth corner, mouth corner (5, 2) [px], the left ones first on the upright face."""
        mouth_y = MOUTH_Y - self.look.smile
        features = [(-EYE_X, EYE_Y), (EYE_X, EYE_Y), (0, NOSE_Y), (-MOUTH_X, mouth_y), (MOUTH_X, mouth_y)]
        turned = self.turn(features)
        turned[2, 0] += 0.2 * np.sin(self.pose.yaw)
        return self.place(turned)

    def box_xywh(self) -> FloatArray:
        """Box (4,) [px] around the face: from the upper forehead to the chin, without hair and ears."""
        outline = self.head_outline()
        points = self.place(outline[outline[:, 1] >= FOREHEAD])
        left_top = points.min(axis=0)
        return np.concatenate([left_top, points.max(axis=0) - left_top])

    def head_outline(self) -> FloatArray:
        """Corners (N, 2) of the head without hair and ears [face units]."""
        outline = ellipse((0.0, 0.0), self.look.half_width, 1.0, corners=80)
        outline[:, 0] *= 1 - self.look.jaw * np.clip(outline[:, 1], 0, None)
        return outline

    def turn(self, points: Points) -> FloatArray:
        """Where points on the front of an upright, straight head are when it is turned [face units]."""
        points = np.asarray(points, dtype=np.float64)
        longitude = np.arcsin(np.clip(points[:, 0], -0.98, 0.98))
        x = self.look.half_width * np.sin(longitude + self.pose.yaw)
        return np.stack([x, points[:, 1] + self.pose.nod], axis=1)

    def place(self, points: FloatArray) -> FloatArray:
        """Face units to image pixels."""
        placed: FloatArray = points @ self._rotation * self.pose.radius + self.pose.centre_xy
        return placed


def _vary(colour: tuple[float, ...], rng: np.random.Generator) -> Colour:
    """Another exposure of a colour, and a little of another hue."""
    blue, green, red = np.clip(np.asarray(colour) * rng.normal(1, 0.1) * rng.normal(1, 0.04, 3), 0, 255)
    return float(blue), float(green), float(red)
