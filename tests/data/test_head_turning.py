"""One face of a picture turned: pixels, landmarks and box, against a head whose turn is computed here."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from ultra_face.data.head_surface import MIDDLE
from ultra_face.data.head_turning import TurnedFace, fit_head, turn_face
from ultra_face.pictures.pose import MEAN_FACE, rotation_matrices

SCALE, PLACE = 40.0, np.array([150.0, 140.0])  # pixels an eye distance; the middle of the head
NO_OTHERS = np.zeros((0, 4))


def head(yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0) -> np.ndarray:
    """Landmarks (5, 3) of a head at this turn about its middle [px], all visible."""
    turned = (MEAN_FACE - MIDDLE) @ rotation_matrices(np.array([[yaw, pitch, roll]]))[0].T
    return np.concatenate([turned[:, :2] * SCALE + PLACE, np.full((5, 1), 2.0)], axis=1)


def box_of(left: float, top: float, right: float, bottom: float) -> np.ndarray:
    """A box in eye distances about the middle of the head, in pixels."""
    return np.array([left, top, right, bottom]) * SCALE + np.tile(PLACE, 2)


BOX = box_of(-1, -1, 1, 1.4)


def photograph() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (300, 320, 3), dtype=np.uint8)


def turn(yaw: float, pitch: float, **changes: Any) -> TurnedFace | None:
    known = {"photograph": photograph(), "box": BOX, "landmarks": head(), "others": NO_OTHERS, **changes}
    return turn_face(known.pop("photograph"), known.pop("box"), known.pop("landmarks"), yaw=yaw, pitch=pitch, **known)


@pytest.mark.parametrize("at", [(0, 0, 0), (15, -10, 30)])
def test_no_turn_changes_nothing(at: tuple[float, float, float]) -> None:
    turned = turn(0, 0, landmarks=head(*at))
    assert turned is not None
    assert_array_equal(turned.pixels, photograph())
    assert_allclose(turned.landmarks, head(*at), atol=1e-9)
    assert_allclose(turned.box, BOX, atol=1e-9)


@pytest.mark.parametrize(("yaw", "pitch"), [(30, 0), (-45, 0), (0, 25), (20, -15)])
@pytest.mark.parametrize("roll", [0, 70])
def test_landmarks_turn_about_the_middle_of_the_head(yaw: float, pitch: float, roll: float) -> None:
    turned = turn(yaw, pitch, landmarks=head(roll=roll))
    assert turned is not None
    assert_allclose(turned.landmarks[:, :2], head(yaw, pitch, roll)[:, :2], atol=0.1)


def test_a_head_that_is_turned_already_turns_on() -> None:
    turned = turn(25, 10, landmarks=head(15, -5, 20))
    assert turned is not None
    assert_allclose(turned.landmarks[:, :2], head(40, 5, 20)[:, :2], atol=0.3)


@pytest.mark.parametrize(("yaw", "pitch"), [(30, 0), (-40, 10), (0, -25)])
@pytest.mark.parametrize("landmark", range(5))
def test_what_is_painted_on_a_landmark_goes_where_it_goes(landmark: int, yaw: float, pitch: float) -> None:
    y, x = np.mgrid[:300, :320] + 0.5  # middles of the pixels
    where = head()[landmark, :2]
    dot = 255 * np.exp(-((x - where[0]) ** 2 + (y - where[1]) ** 2) / 2)
    turned = turn(yaw, pitch, photograph=np.rint(dot)[..., None].astype(np.uint8))
    assert turned is not None
    assert turned.landmarks[landmark, 2] == 2
    seen = turned.pixels[..., 0].astype(float)
    found = [(seen * axis).sum() / seen.sum() for axis in (x, y)]
    assert_allclose(found, turned.landmarks[landmark, :2], atol=1)


def test_beside_the_head_nothing_changes() -> None:
    before = photograph()
    turned = turn(40, 20, photograph=before)
    assert turned is not None
    assert_array_equal(before, photograph())
    y, x = np.mgrid[:300, :320] + 0.5
    # At 40 degrees the head is hypot(1.2 cos 40, 1.45 sin 40) = 1.31 eye distances wide to each side, and its nose ends
    # before that; it is at most 1.6 high. A cell of the map may reach a pixel beyond.
    far = (np.abs(x - PLACE[0]) > 1.31 * SCALE + 1) | (np.abs(y - PLACE[1]) > 1.6 * SCALE + 1)
    assert_array_equal(turned.pixels[far], before[far])
    changed = (turned.pixels != before).any(axis=-1)
    assert changed.sum() > 0.5 * np.pi * 1.2 * 1.6 * SCALE**2  # more than half of the head


@pytest.mark.parametrize("flag", [2, 1])
def test_landmarks_behind_the_head_are_hidden(flag: int) -> None:
    landmarks = head(18)
    landmarks[:, 2] = flag
    # Seen at 18 + 45 = 63 degrees to the right, the right eye, 25 degrees from the front, is at the very outline and
    # the nose before it; the left eye is in the middle of what is seen.
    turned = turn(45, 0, landmarks=landmarks)
    assert turned is not None
    assert turned.landmarks[1, 2] == 1
    assert_array_equal(turned.landmarks[[0, 2, 3], 2], flag)


def test_the_box_moves_with_the_face() -> None:
    # As in test_head_surface: from the front the face ends at 1.159 on both sides, at 30 degrees at -0.816 and 1.267.
    turned = turn(30, 0, box=box_of(-1.159, -1, 1.159, 1.4))
    assert turned is not None
    assert_allclose(turned.box, box_of(-0.816, -1, 1.267, 1.4), atol=0.15)


def test_pictures_in_grey_keep_their_shape() -> None:
    turned = turn(20, 0, photograph=photograph()[..., :1])
    assert turned is not None
    assert turned.pixels.shape == (300, 320, 1)
    assert turned.pixels.dtype == np.uint8


def missing() -> np.ndarray:
    landmarks = head()
    landmarks[3] = 0
    return landmarks


def nose_beside_the_face() -> np.ndarray:
    landmarks = head()
    landmarks[2, 0] += 60
    return landmarks


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"box": box_of(-0.29, -1, 0.29, 1)}, id="a box of 23.2 px"),
        pytest.param({"landmarks": missing()}, id="a missing landmark"),
        pytest.param({"landmarks": head(21)}, id="turned aside already"),
        pytest.param({"landmarks": head(0, -31)}, id="looking down already"),
        pytest.param({"landmarks": head() - [110, 0, 0]}, id="over the edge"),
        pytest.param({"landmarks": np.tile([150.0, 140.0, 2.0], (5, 1))}, id="all in one place"),
        pytest.param({"landmarks": nose_beside_the_face()}, id="no head"),
        pytest.param({"others": box_of(1.1, 0, 2, 1)[None]}, id="another face beside it"),
        pytest.param({"others": box_of(1.25, 0, 2, 1)[None]}, id="another face where the head will be"),
    ],
)
def test_faces_that_are_left_alone(changes: dict[str, Any]) -> None:
    assert turn(30, 10) is not None
    assert turn(30, 10, **changes) is None


def test_another_face_farther_away_is_no_obstacle() -> None:
    assert turn(30, 10, others=box_of(1.5, 0, 2, 1)[None]) is not None


def test_the_head_of_a_face_stands_where_its_landmarks_say() -> None:
    found = fit_head(head(10, 5, -20)[:, :2])
    assert found is not None
    assert_allclose(found.middle, PLACE, atol=1e-4)
    assert_allclose(found.eye_distance, SCALE, atol=1e-4)
    assert_allclose(found.angles, [10, 5, -20], atol=1e-4)
