"""Draws a person of the synthetic scenes: body, hair, head, features and what it wears."""

from __future__ import annotations

import numpy as np

from ultra_face.demo.canvas import Canvas, Colour, Points, darken, ellipse, mix
from ultra_face.demo.person import EYE_X, EYE_Y, MOUTH_X, MOUTH_Y, NOSE_Y, Person
from ultra_face.formats.annotation import FloatArray

_LENSES = ((20.0, 20.0, 22.0), (40.0, 30.0, 24.0), (34.0, 44.0, 60.0))
_WHITE = (238.0, 240.0, 242.0)


class PersonPainter:
    """Paints one person on a canvas under the number `owner`."""

    def __init__(self, canvas: Canvas, owner: int, person: Person) -> None:
        self.canvas, self.owner, self.person = canvas, owner, person
        self.look, self.pose = person.look, person.pose

    def paint(self, light_xy: FloatArray) -> None:
        """Draw from back to front, then light it from the side that `light_xy` points to."""
        self._draw_body()
        self._draw_hair_behind()
        self._draw_head()
        self._draw_eyes()
        self._draw_nose()
        self._draw_mouth()
        self._draw_hair_in_front()
        self._draw_eyewear()
        self.canvas.shade(self.owner, self.pose.centre_xy, 2.0 * self.pose.radius, light_xy)

    def _draw_body(self) -> None:
        width = self.look.half_width
        shoulders = [(-0.5, 1.15), (0.5, 1.15), (1.5, 1.45), (1.75, 3.6), (-1.75, 3.6), (-1.5, 1.45)]
        upright = np.asarray(shoulders) * self.pose.radius + self.pose.centre_xy
        self.canvas.polygon(upright, self.look.cloth, self.owner)
        neck = [(-0.55 * width, 0.5), (0.55 * width, 0.5), (0.6 * width, 1.3), (0, 1.5), (-0.6 * width, 1.3)]
        self.canvas.polygon(
            np.asarray(neck) * self.pose.radius + self.pose.centre_xy,
            darken(self.look.skin, 0.78),
            self.owner,
        )

    def _draw_hair_behind(self) -> None:
        width = self.look.half_width
        if self.look.hair_style == "long":
            angle = np.linspace(np.pi, 2 * np.pi, 24)
            crown = np.stack([(width + 0.22) * np.cos(angle), -0.1 + 1.05 * np.sin(angle)], axis=1)
            self._fill(
                [*crown, (width + 0.3, 1.1), (0.2, 1.25), (-0.2, 1.25), (-width - 0.3, 1.1)],
                self.look.hair,
            )
        elif self.look.hair_style == "bun":
            self._fill(ellipse((0.0, -1.12), 0.34, 0.3), darken(self.look.hair, 0.85))
        if self.look.hair_style in ("short", "bun"):
            self._fill(ellipse((0.0, -0.28), width + 0.09, 0.86), self.look.hair)

    def _draw_head(self) -> None:
        for side in (-1, 1):
            ear_x = side * self.look.half_width - 0.12 * np.sin(self.pose.yaw)
            self._fill(ellipse((ear_x, 0.02), 0.12, 0.22), darken(self.look.skin, 0.86))
        outline = self.person.head_outline()
        self._fill(outline, self.look.skin)
        if self.look.beard:
            rim = outline[outline[:, 1] > 0.1]
            cheeks = self.person.turn([(-0.5, 0.32), (-0.12, 0.4), (0.12, 0.4), (0.5, 0.32)])
            self._fill([*rim, *cheeks], mix(self.look.skin, self.look.hair, 0.75))
        else:
            for side in (-1, 1):
                self._feature(
                    ellipse((side * 0.5, 0.26), 0.17, 0.14),
                    mix(self.look.skin, (110.0, 110.0, 215.0), 0.14),
                )

    def _draw_eyes(self) -> None:
        for side in (-1, 1):
            x = side * EYE_X
            self._feature(ellipse((x, EYE_Y - 0.02), 0.24, 0.17), darken(self.look.skin, 0.86))
            if self.look.eyes_open:
                self._feature(ellipse((x, EYE_Y), 0.185, 0.1), _WHITE)
                self._feature(ellipse((x, EYE_Y), 0.1, 0.1), self.look.iris)
                self._feature(ellipse((x, EYE_Y), 0.05, 0.055), (12.0, 12.0, 14.0))
                self._feature(ellipse((x + 0.03, EYE_Y - 0.035), 0.022, 0.022), (255.0, 255.0, 255.0))
            lid = EYE_Y - 0.1 if self.look.eyes_open else EYE_Y + 0.02
            bend = -0.05 if self.look.eyes_open else 0.05
            self._line(
                [(x - 0.2, lid - bend), (x, lid), (x + 0.2, lid - bend)],
                0.045,
                darken(self.look.hair, 0.4),
            )
            tilt = side * self.look.brow_tilt
            brow = [(x - 0.22, -0.36 + tilt), (x, -0.42), (x + 0.22, -0.36 - tilt)]
            self._line(brow, 0.075, darken(mix(self.look.hair, self.look.skin, 0.15), 0.8))

    def _draw_nose(self) -> None:
        tip = 0.2 * np.sin(self.pose.yaw)
        dark, bright = (
            darken(self.look.skin, 0.72),
            mix(self.look.skin, (255.0, 255.0, 255.0), 0.18),
        )
        side = -1 if self.pose.yaw > 0 else 1
        self._feature(
            [(side * 0.05, -0.1), (side * 0.17 + tip, NOSE_Y + 0.04), (tip, NOSE_Y + 0.08)],
            darken(self.look.skin, 0.88),
        )
        self._feature(ellipse((tip, NOSE_Y), 0.1, 0.08), bright)
        for nostril in (-1, 1):
            self._feature(ellipse((nostril * 0.075 + tip, NOSE_Y + 0.075), 0.035, 0.022), darken(dark, 0.6))

    def _draw_mouth(self) -> None:
        smile, gap = self.look.smile, self.look.mouth_open
        x = np.linspace(-MOUTH_X, MOUTH_X, 13)
        curve = MOUTH_Y - smile * (x / MOUTH_X) ** 2
        arch = 1 - (x / MOUTH_X) ** 2
        upper = np.stack([x, curve - (0.055 + 0.3 * gap) * arch], axis=1)
        lower = np.stack([x, curve + (0.085 + gap) * arch], axis=1)
        self._feature(np.concatenate([upper, lower[::-1]]), self.look.lips)
        if gap:
            inner = np.stack([x, curve + (gap * 0.85) * arch], axis=1)
            opening = np.stack([x, curve - 0.25 * gap * arch], axis=1) * (0.86, 1.0)
            self._feature(np.concatenate([opening, inner[::-1] * (0.86, 1.0)]), (30.0, 24.0, 60.0))
            teeth = np.stack([x, curve + (gap * 0.3) * arch], axis=1)
            self._feature(np.concatenate([opening, teeth[::-1] * (0.86, 1.0)]), _WHITE)
        else:
            self._line(np.stack([x, curve], axis=1), 0.03, darken(self.look.lips, 0.55))

    def _draw_hair_in_front(self) -> None:
        width, fringe = self.look.half_width, self.look.fringe
        if self.look.hair_style != "bald":
            angle = np.linspace(1.04 * np.pi, 1.96 * np.pi, 24)
            crown = np.stack([(width + 0.08) * np.cos(angle), 1.1 * np.sin(angle)], axis=1)
            hairline = [
                (width * 0.86, fringe + 0.2),
                (width * 0.5, fringe),
                (0, fringe - 0.08),
                (-width * 0.55, fringe),
            ]
            self._fill([*crown, *hairline, (-width * 0.9, fringe + 0.22)], self.look.hair)
        if self.look.hat:
            hat = [(-width - 0.12, -0.55), (-width, -1.2), (0, -1.42), (width, -1.2), (width + 0.12, -0.55)]
            self._fill(hat, darken(self.look.cloth, 0.8))
            self._fill(
                [(-1.0, -0.6), (1.0, -0.6), (0.95, -0.46), (-0.95, -0.46)],
                darken(self.look.cloth, 0.6),
            )

    def _draw_eyewear(self) -> None:
        if self.look.eyewear == "none":
            return
        for side in (-1, 1):
            rim = ellipse((side * EYE_X, EYE_Y + 0.02), 0.29, 0.24)
            if self.look.eyewear == "sunglasses":
                self._feature(rim, _LENSES[int(self.look.iris[0]) % len(_LENSES)])
            self._line(np.concatenate([rim, rim[:1]]), 0.05, (30.0, 30.0, 34.0))
        self._line([(-0.14, EYE_Y), (0.14, EYE_Y)], 0.05, (30.0, 30.0, 34.0))

    def _fill(self, points: Points, colour: Colour) -> None:
        self.canvas.polygon(self.person.place(np.asarray(points, dtype=np.float64)), colour, self.owner)

    def _feature(self, points: Points, colour: Colour) -> None:
        self.canvas.polygon(self.person.place(self.person.turn(points)), colour, self.owner)

    def _line(self, points: Points, thickness: float, colour: Colour) -> None:
        self.canvas.stroke(
            self.person.place(self.person.turn(points)),
            thickness * self.pose.radius,
            colour,
            self.owner,
        )
