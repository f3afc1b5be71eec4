"""What five landmarks tell of a head, against heads of known turn."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ultra_face.faces import MIRRORED_LANDMARKS
from ultra_face.formats.mtfl import parse_mtfl
from ultra_face.pictures import pose as module
from ultra_face.pictures.alignment import RECOGNITION_TEMPLATE
from ultra_face.pictures.pose import (
    LEAST_EYE_DISTANCE,
    MEAN_FACE,
    euler_angles,
    eye_distance,
    pose,
    roll,
    rotation_matrices,
)

FloatArray = NDArray[np.float64]


def about(degrees: FloatArray, first: int, second: int) -> FloatArray:
    """Rotations (N, 3, 3) that turn one axis towards another."""
    angle = np.deg2rad(degrees)
    rotations = np.tile(np.eye(3), (len(angle), 1, 1))
    rotations[:, first, first] = rotations[:, second, second] = np.cos(angle)
    rotations[:, second, first] = np.sin(angle)
    rotations[:, first, second] = -np.sin(angle)
    return rotations


X, Y, Z = 0, 1, 2  # to the right, down, away from the viewer


def turned(angles: FloatArray) -> FloatArray:
    """The mean face (N, 5, 3) after pitch, then yaw, then roll (N, 3) [degrees: yaw, pitch, roll].

    The nose points towards the viewer, along -z. Looking up turns it to -y, so z to y; looking to the right turns it
    to x, so x to z; clockwise in the image is x to y.
    """
    yaw, pitch, roll = angles.T
    return np.einsum("nij,kj->nki", about(roll, X, Y) @ about(yaw, X, Z) @ about(pitch, Z, Y), MEAN_FACE)


def random_angles(n: int, *, seed: int = 0) -> FloatArray:
    chance = np.random.default_rng(seed)
    return np.stack([chance.uniform(-60, 60, n), chance.uniform(-30, 30, n), chance.uniform(-180, 180, n)], axis=1)


def test_a_projected_face_gives_its_angles_back() -> None:
    angles = random_angles(300)
    points = turned(angles)[..., :2] * 50 + [300, 200]
    np.testing.assert_allclose(pose(points), angles, atol=1e-6)
    np.testing.assert_allclose(pose(points.astype(np.float32)), angles, atol=1e-2)


def test_angles_give_the_rotation_that_has_them() -> None:
    angles = random_angles(20)
    turns = rotation_matrices(angles)
    np.testing.assert_allclose(np.einsum("nij,kj->nki", turns, MEAN_FACE), turned(angles), atol=1e-12)
    np.testing.assert_allclose(euler_angles(turns), angles)


def test_signs() -> None:
    """What one sees: the nose nearer to the right eye, the nose nearer to the eyes, the right eye lower."""
    face = turned(np.zeros((1, 3)))[..., :2] * 50
    assert np.abs(pose(face)).max() < 1e-9
    right, up, clockwise = (face.copy() for _ in range(3))
    right[0, 2, 0] += 10
    up[0, 2, 1] -= 10
    angle = np.deg2rad(30)
    clockwise = face @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    assert clockwise[0, 1, 1] > clockwise[0, 0, 1]
    assert pose(right)[0, 0] > 5
    assert pose(up)[0, 1] > 5
    np.testing.assert_allclose(pose(clockwise), [[0, 0, 30]], atol=1e-6)
    np.testing.assert_allclose(roll(clockwise), [30])


def test_a_mirrored_face_turns_the_other_way() -> None:
    """With noise too: yaw and roll change their signs, pitch stays."""
    points = turned(random_angles(100))[..., :2] * 50 + np.random.default_rng(1).normal(0, 3, (100, 5, 2))
    mirrored = (points * [-1, 1])[:, MIRRORED_LANDMARKS]
    there, back = pose(points), pose(mirrored)
    np.testing.assert_allclose((there + back * [1, -1, 1] + 180) % 360 - 180, np.zeros((100, 3)), atol=1e-6)


def test_turning_the_image_changes_the_roll_alone() -> None:
    points = turned(random_angles(100))[..., :2] * 50 + np.random.default_rng(1).normal(0, 3, (100, 5, 2))
    upside_down = pose(200 - points)
    np.testing.assert_allclose(upside_down[:, :2], pose(points)[:, :2], atol=1e-6)
    np.testing.assert_allclose((upside_down - pose(points))[:, 2] % 360, 180, atol=1e-6)


def test_rotations_as_angles() -> None:
    angles = random_angles(50)
    rotations = about(angles[:, 2], X, Y) @ about(angles[:, 0], X, Z) @ about(angles[:, 1], Z, Y)
    np.testing.assert_allclose(euler_angles(rotations), angles)


def test_a_small_or_unknown_face_has_no_pose() -> None:
    angles = np.array([[50.0, 10, 5]])  # its eyes look nearer than they are
    face = turned(angles)[0, :, :2]
    points = np.stack([face * (LEAST_EYE_DISTANCE - 0.01), face * (LEAST_EYE_DISTANCE + 0.01), face * np.nan, face * 0])
    points[2, :4] = face[:4] * 50  # one landmark is missing
    found = pose(points)
    assert np.isnan(found[[0, 2, 3]]).all()
    np.testing.assert_allclose(found[1], angles[0], atol=1e-6)
    assert pose(points[:0]).shape == (0, 3)


def test_distance_and_roll_of_the_eyes() -> None:
    points = np.full((4, 5, 2), 7.0)
    points[0, :2] = [[10, 20], [13, 24]]  # 3, 4, 5
    points[1, :2] = [[13, 20], [10, 20]]  # upside down
    points[2, 1] = np.nan
    np.testing.assert_allclose(eye_distance(points), [5, 3, np.nan, 0])
    np.testing.assert_allclose(roll(points), [np.rad2deg(np.arctan2(4, 3)), 180, np.nan, np.nan])


def test_the_face_of_the_recognition_template_looks_into_the_camera() -> None:
    assert np.abs(pose(RECOGNITION_TEMPLATE[None])).max() < 10


DISPLACED = 0.055
"""Of each landmark [eye distances]: what expression, another face and the annotator add.

Fitting 10 coordinates by 6 numbers leaves sqrt(4 / 10) of their deviation, and the fit to MTFL leaves 0.035.
"""


def measured_errors(pixels: float) -> FloatArray:
    """Errors (N, 3) [degrees] of faces with eyes `pixels` apart, by a camera 10 eye distances away, found to 1 px."""
    chance, angles = np.random.default_rng(7), random_angles(4000)
    face = turned(angles)
    seen = face[..., :2] / (1 + face[..., 2:] / 10) + chance.normal(0, DISPLACED, (4000, 5, 2))
    errors = pose(seen * pixels + chance.normal(0, 1, seen.shape)) - angles
    known = np.isfinite(errors).all(axis=1)
    return np.abs((errors[known] + 180) % 360 - 180)


def test_errors_are_as_the_page_says(repository: Path) -> None:
    page = (repository / "docs" / "faces.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) px \| (\d+), (\d+) \| (\d+), (\d+) \| (\d+), (\d+) \|$", page, re.MULTILINE)
    assert len(rows) == 4
    for pixels, *told in rows:
        errors = measured_errors(float(pixels))
        expected = np.stack([np.median(errors, axis=0), np.percentile(errors, 90, axis=0)], axis=1).ravel()
        np.testing.assert_allclose(np.array(told, float), expected, atol=0.75)


@pytest.fixture(scope="module")
def mtfl(shared_data: Path) -> FloatArray:
    text = (shared_data / "mtfl-80" / "landmarks.txt").read_text()
    points = np.concatenate([faces.landmarks[..., :2] for faces in parse_mtfl(text, "landmarks.txt")])
    return np.asarray(points - points.mean(axis=1, keepdims=True), np.float64)


def residuals(points: FloatArray, face: FloatArray, monkeypatch: pytest.MonkeyPatch) -> FloatArray:
    """What a mean face leaves of points (N, 5, 2) about their means [eye distances]."""
    monkeypatch.setattr(module, "MEAN_FACE", face)
    rotations, scales = module.fit_mean_face(points)
    fitted = np.einsum("nij,kj->nki", rotations, face - face.mean(axis=0))[..., :2]
    return points / scales[:, None, None] - fitted


@pytest.mark.data
def test_the_mean_face_fits_the_annotated_ones(mtfl: FloatArray, monkeypatch: pytest.MonkeyPatch) -> None:
    """It leaves what the module says; half of the faces look up; another nose or mouth fits worse."""

    def misfit(face: FloatArray) -> float:
        """A robust mean, in which a few faces with wrong labels count for little."""
        return float(np.sqrt(1 + (residuals(mtfl, face, monkeypatch) / 0.03) ** 2).mean())

    assert len(mtfl) == 7138
    assert np.sqrt((residuals(mtfl, MEAN_FACE, monkeypatch) ** 2).mean()) == pytest.approx(0.035, abs=0.0005)
    assert abs(np.median(euler_angles(module.fit_mean_face(mtfl)[0])[:, 1])) < 1
    best = misfit(MEAN_FACE)
    for rows, axis in (([2], Y), ([2], Z), ([3, 4], Y), ([3, 4], X)):
        for step in (-0.06, 0.06):
            face = MEAN_FACE.copy()
            face[rows, axis] += step * (np.sign(face[rows, X]) if axis == X else 1)
            assert misfit(face) > best
