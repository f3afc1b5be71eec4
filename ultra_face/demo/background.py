"""Backgrounds of the synthetic scenes, and things in them that resemble faces without being any."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

from ultra_face.demo.canvas import Canvas, Colour, darken, ellipse
from ultra_face.formats.annotation import FloatArray

Rng = np.random.Generator
Pixels = npt.NDArray[np.uint8]


def random_background(height: int, width: int, rng: Rng) -> Pixels:
    """Picture (H, W, 3) without people, BGR."""
    layouts: tuple[Callable[[int, int, Rng], FloatArray], ...] = (_landscape, _wall, _bokeh, _room, _foliage)
    picture = layouts[rng.integers(len(layouts))](height, width, rng)
    picture = picture + _clouds(height, width, rng, octaves=6)[..., None] * rng.uniform(6, 40)
    return np.clip(picture, 0, 255).astype(np.uint8)


def draw_distractors(canvas: Canvas, count: int, rng: Rng) -> None:
    """Draw `count` balls, clocks, buttons, backs of heads, signs and poles at random places."""
    kinds: tuple[Callable[[Canvas, FloatArray, float, Rng], None], ...] = (
        _ball,
        _clock,
        _button,
        _back_of_head,
        _sign,
        _pole,
    )
    for _ in range(count):
        centre_xy = rng.uniform((0, 0), (canvas.width, canvas.height))
        radius = float(np.exp(rng.uniform(np.log(4), np.log(60))))
        kinds[rng.integers(len(kinds))](canvas, centre_xy, radius, rng)


def _random_colour(rng: Rng) -> Colour:
    blue, green, red = rng.uniform(15, 240, 3)
    return blue, green, red


def _clouds(height: int, width: int, rng: Rng, *, octaves: int) -> FloatArray:
    """Noise (H, W) of about unit amplitude with detail at several scales."""
    total = np.zeros((height, width))
    for octave in range(1, octaves + 1):
        cells = rng.normal(size=(2**octave + 1, 2**octave + 1))
        total += cv2.resize(cells, (width, height), interpolation=cv2.INTER_CUBIC) / octave
    return total / 2


def _gradient(height: int, width: int, first: Colour, second: Colour) -> FloatArray:
    share = np.linspace(0, 1, height)[:, None, None]
    gradient: FloatArray = np.broadcast_to((1 - share) * first + share * np.array(second), (height, width, 3)).copy()
    return gradient


def _landscape(height: int, width: int, rng: Rng) -> FloatArray:
    picture = _gradient(height, width, (235, 190, 150), (230, 225, 215))
    horizon = height * rng.uniform(0.35, 0.7)
    ridge = horizon + _clouds(1, width, rng, octaves=5)[0] * height * 0.06
    below = np.arange(height)[:, None] > ridge
    ground = _gradient(height, width, _random_colour(rng), darken(_random_colour(rng), 0.7))
    return np.where(below[..., None], ground, picture)


def _wall(height: int, width: int, rng: Rng) -> FloatArray:
    picture = _gradient(height, width, _random_colour(rng), _random_colour(rng))
    step_y, step_x = rng.integers(10, 60, 2)
    joint = darken(_random_colour(rng), 0.8)
    rows, columns = np.mgrid[:height, :width]
    shifted = columns + (rows // step_y % 2) * (step_x // 2) * rng.integers(0, 2)
    picture[(rows % step_y < 2) | (shifted % step_x < 2)] = joint
    return picture


def _bokeh(height: int, width: int, rng: Rng) -> FloatArray:
    picture = _gradient(height, width, darken(_random_colour(rng), 0.5), darken(_random_colour(rng), 0.5))
    for _ in range(rng.integers(15, 50)):
        centre = tuple(int(value) for value in rng.uniform((0, 0), (width, height)))
        disc = cv2.circle(np.zeros((height, width)), centre, int(rng.integers(4, 32)), 1.0, -1)
        picture += disc[..., None] * (np.array(_random_colour(rng)) - picture) * rng.uniform(0.2, 0.7)
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), rng.uniform(1.0, 4.0)))


def _room(height: int, width: int, rng: Rng) -> FloatArray:
    picture = _gradient(height, width, _random_colour(rng), _random_colour(rng))
    for _ in range(rng.integers(6, 18)):
        left, top = rng.uniform((-0.1 * width, -0.1 * height), (width, height)).astype(int).tolist()
        right, bottom = (np.array([left, top]) + rng.uniform(0.05, 0.45, 2) * (width, height)).astype(int).tolist()
        cv2.rectangle(picture, (left, top), (right, bottom), _random_colour(rng), -1)
        cv2.rectangle(picture, (left, top), (right, bottom), darken(_random_colour(rng), 0.5), 2)
    return picture


def _foliage(height: int, width: int, rng: Rng) -> FloatArray:
    picture = _gradient(height, width, (60, 120, 70), (30, 70, 40))
    for _ in range(400):
        centre = tuple(int(value) for value in rng.uniform((0, 0), (width, height)))
        axes = tuple(int(value) for value in rng.integers(3, 16, 2))
        leaf = np.array([40, 110, 60]) + rng.normal(0, 32, 3)
        cv2.ellipse(picture, centre, axes, rng.uniform(0, 180), 0, 360, leaf.tolist(), -1)
    return picture


def _ball(canvas: Canvas, centre_xy: FloatArray, radius: float, rng: Rng) -> None:
    colour = _random_colour(rng)
    for step in range(6):
        offset = -0.25 * radius * step / 6
        x, y = centre_xy + offset
        circle = ellipse((x, y), radius * (1 - step / 6), radius * (1 - step / 6))
        canvas.polygon(circle, darken(colour, 0.6 + 0.08 * step))


def _clock(canvas: Canvas, centre_xy: FloatArray, radius: float, rng: Rng) -> None:
    x, y = centre_xy
    canvas.polygon(ellipse((x, y), radius, radius), darken(_random_colour(rng), 0.5))
    canvas.polygon(ellipse((x, y), 0.88 * radius, 0.88 * radius), (232.0, 236.0, 238.0))
    for angle in np.arange(12) * np.pi / 6:
        direction = np.array([np.cos(angle), np.sin(angle)]) * radius
        canvas.stroke(centre_xy + np.stack([0.72 * direction, 0.82 * direction]), 0.05 * radius, (20.0, 20.0, 20.0))
    for length in (0.45, 0.65):
        angle = rng.uniform(0, 2 * np.pi)
        hand = centre_xy + np.array([np.cos(angle), np.sin(angle)]) * length * radius
        canvas.stroke(np.stack([centre_xy, hand]), 0.07 * radius, (20.0, 20.0, 20.0))


def _button(canvas: Canvas, centre_xy: FloatArray, radius: float, rng: Rng) -> None:
    x, y = centre_xy
    colour = _random_colour(rng)
    canvas.polygon(ellipse((x, y), radius, radius), darken(colour, 0.8))
    canvas.polygon(ellipse((x, y), 0.8 * radius, 0.8 * radius), colour)
    for hole_x, hole_y in ((-0.2, -0.2), (0.2, -0.2), (-0.2, 0.2), (0.2, 0.2)):
        hole = ellipse((x + hole_x * radius, y + hole_y * radius), 0.1 * radius, 0.1 * radius)
        canvas.polygon(hole, darken(colour, 0.3))


def _back_of_head(canvas: Canvas, centre_xy: FloatArray, radius: float, rng: Rng) -> None:
    x, y = centre_xy
    skin, hair = (110.0, 150.0, 200.0), darken((60.0, 80.0, 120.0), rng.uniform(0.2, 1.4))
    shoulders = np.array([(-0.5, 1.1), (0.5, 1.1), (1.5, 1.5), (1.7, 3.0), (-1.7, 3.0), (-1.5, 1.5)])
    canvas.polygon(shoulders * radius + centre_xy, _random_colour(rng))
    canvas.polygon(ellipse((x, y + 0.8 * radius), 0.4 * radius, 0.6 * radius), skin)
    for side in (-1, 1):
        canvas.polygon(ellipse((x + 0.8 * side * radius, y + 0.1 * radius), 0.12 * radius, 0.22 * radius), skin)
    canvas.polygon(ellipse((x, y), 0.82 * radius, radius), hair)


def _sign(canvas: Canvas, centre_xy: FloatArray, radius: float, rng: Rng) -> None:
    corners = np.array([(-1, -0.6), (1, -0.6), (1, 0.6), (-1, 0.6)]) * radius
    canvas.polygon(corners + centre_xy, _random_colour(rng))
    ink = darken(_random_colour(rng), 0.4)
    for line_y in (-0.3, 0.0, 0.3):
        letters = np.stack([np.linspace(-0.8, 0.8, 15), line_y + rng.uniform(-0.1, 0.1, 15)], axis=1)
        canvas.stroke(letters * radius + centre_xy, 0.08 * radius, ink)


def _pole(canvas: Canvas, centre_xy: FloatArray, radius: float, rng: Rng) -> None:
    top = np.array([centre_xy[0] + rng.normal(0, radius), 0.0])
    canvas.stroke(np.stack([top, centre_xy]), 0.15 * radius, _random_colour(rng))
