"""The ellipsoid with a nose, against its equation and against rays that are followed in tiny steps."""

from __future__ import annotations

import numpy as np
from numpy.testing import assert_allclose

from ultra_face.data.head_surface import (
    AXES,
    MIDDLE,
    NOSE_TIP,
    NOSE_WIDTH,
    depths,
    drawn_out,
    face_extent,
    outline_extent,
    relief,
    share_of_face,
)
from ultra_face.pictures.pose import MEAN_FACE, rotation_matrices

FROM_THE_FRONT = np.eye(3)


def rotation(yaw: float, pitch: float = 0.0, roll: float = 0.0) -> np.ndarray:
    return rotation_matrices(np.array([[yaw, pitch, roll]]))[0]


def test_the_landmarks_of_the_mean_face_lie_on_it() -> None:
    expected = MEAN_FACE - MIDDLE
    assert_allclose(depths(expected[:, :2], FROM_THE_FRONT), expected[:, 2], atol=1e-3)


def test_beside_the_nose_it_is_an_ellipsoid() -> None:
    # z = -c sqrt(1 - (x / a)^2 - (y / b)^2), here with (0.72 / 1.2)^2 = 0.36 and (0.96 / 1.6)^2 = 0.36
    assert_allclose(depths(np.array([[0.72, -0.96]]), FROM_THE_FRONT), -1.45 * np.sqrt(0.28), atol=1e-4)


def test_beside_the_head_there_is_nothing() -> None:
    assert np.isnan(depths(np.array([[1.21, 0.0], [0.0, -1.61]]), FROM_THE_FRONT)).all()


def test_a_ray_ends_where_it_first_enters_the_head() -> None:
    turn = rotation(50, 15, 10)
    x, y = np.meshgrid(np.linspace(-1.5, 1.5, 13), np.linspace(-1.6, 1.6, 13))
    points = np.stack([x.ravel(), y.ravel()], axis=1)
    steps = np.linspace(-2.5, 0.5, 6001)
    along = np.concatenate(
        [np.repeat(points[:, None], len(steps), axis=1), np.tile(steps[:, None], (len(points), 1, 1))], axis=2
    )
    on_head = along @ turn  # the inverse turn, for rows
    on_head[..., 2] += relief(on_head)
    inside = ((on_head / AXES) ** 2).sum(axis=-1) <= 1
    expected = np.where(inside.any(axis=1), steps[inside.argmax(axis=1)], np.nan)
    found = depths(points, turn)
    both = np.isfinite(expected) & np.isfinite(found)
    assert both.sum() > 80
    assert (np.isfinite(expected) == np.isfinite(found)).all()
    assert_allclose(found[both], expected[both], atol=2e-3)


def test_from_the_side_the_nose_stands_out() -> None:
    tip = NOSE_TIP @ rotation(80).T
    assert tip[0] > np.hypot(AXES[0] * np.cos(np.deg2rad(80)), AXES[2] * np.sin(np.deg2rad(80)))
    just_before = np.array([[tip[0] - 0.02, tip[1]]])
    assert np.isfinite(depths(just_before, rotation(80))).all()


def test_the_outline_from_the_side_is_as_wide_as_the_head_is_long_with_its_nose() -> None:
    # Looking to the right, z of the head lies along -x; beyond the tip there is room for a standard deviation.
    assert_allclose(outline_extent(rotation(90)), [-AXES[2], -AXES[1], -NOSE_TIP[2] + NOSE_WIDTH, AXES[1]])


def test_nothing_of_the_head_lies_beyond_its_outline() -> None:
    for turn in (rotation(65, 20, 30), rotation(-40, -50)):
        left, top, right, bottom = outline_extent(turn)
        x, y = np.meshgrid(np.linspace(-2, 2, 201), np.linspace(-2, 2, 201))
        points = np.stack([x.ravel(), y.ravel()], axis=1)
        on_head = points[np.isfinite(depths(points, turn))]
        assert (on_head > [left, top]).all()
        assert (on_head < [right, bottom]).all()


def test_extent_of_a_turned_face() -> None:
    # At 30 degrees the right end is the outline, sqrt(1.2^2 cos^2 + 1.45^2 sin^2) = 1.267; the left one is the cheek at
    # 75 degrees, -1.2 sin 75 cos 30 + 1.45 cos 75 sin 30 = -0.816. From the front both are 1.2 sin 75 = 1.159.
    assert_allclose(face_extent(FROM_THE_FRONT)[[0, 2]], [-1.159, 1.159], atol=2e-3)
    assert_allclose(face_extent(rotation(30))[[0, 2]], [-0.816, 1.267], atol=2e-3)


def test_what_is_seen_well_stays_and_what_is_not_comes_from_before_it() -> None:
    angles = np.deg2rad([0, 20, 40, 70, 110])
    points = np.stack([AXES[0] * np.sin(angles), np.full(5, -0.2), -np.cos(angles)], axis=1)
    points[:, 2] *= AXES[2]
    points[:, 2] -= relief(points)
    moved = drawn_out(points, yaw=0)
    assert_allclose(
        moved[:3], points[:3], atol=1e-9
    )  # the last good angle is 60, seen from the camera; 45 is 3/4 of it
    # 70 is 25 beyond 45 and becomes 45 + 15 (1 - exp(-25 / 15)) = 57.17
    moved_angle = np.rad2deg(np.arctan2(moved[3, 0] / AXES[0], -(moved[3, 2] + relief(moved)[3]) / AXES[2]))
    assert_allclose(moved_angle, 57.167, atol=1e-2)
    assert moved[4, 2] < 0  # of the back of the head there is no picture


def test_the_face_ends_at_the_ears() -> None:
    angles = np.deg2rad([0, 80, 90, 100, 180])
    points = np.stack([AXES[0] * np.sin(angles), np.full(5, -1.0), -AXES[2] * np.cos(angles)], axis=1)
    assert_allclose(share_of_face(points), [1, 1, 0.5, 0, 0], atol=1e-6)
