from __future__ import annotations

import numpy as np
import pytest

from ultra_face.data.demo_canvas import NOBODY, SUPERSAMPLING, Canvas, darken, ellipse, mix
from ultra_face.data.demo_painter import PersonPainter
from ultra_face.data.demo_person import FOREHEAD, Person, Pose, random_look
from ultra_face.data.demo_scene import MIN_FACE_HEIGHT, draw_scene

CENTRE = np.array([100.0, 80.0])


def make_person(*, radius=40.0, roll=0.0, yaw=0.0, nod=0.0, seed=0):
    return Person(random_look(np.random.default_rng(seed)), Pose(CENTRE, radius, roll, yaw, nod))


def test_a_straight_face_is_symmetric():
    left_eye, right_eye, nose, left_mouth, right_mouth = make_person().landmarks_xy() - CENTRE
    np.testing.assert_allclose(left_eye, right_eye * (-1, 1))
    np.testing.assert_allclose(left_mouth, right_mouth * (-1, 1))
    assert nose[0] == pytest.approx(0)
    assert left_eye[1] < nose[1] < left_mouth[1]


def test_an_upright_face_box_by_hand():
    person = make_person(radius=40.0)
    left, top, width, height = person.box_xywh()
    # the outline's lowest corner is the chin, 1 below the centre; its top is cut at the forehead
    assert top + height == pytest.approx(80 + 40)
    assert 80 + FOREHEAD * 40 <= top < 80 + (FOREHEAD + 0.08) * 40
    assert width == pytest.approx(2 * person.look.half_width * 40)
    assert left == pytest.approx(100 - width / 2)


@pytest.mark.parametrize("roll", [0.5, -0.5])
def test_roll_rotates_the_landmarks(roll):
    upright = make_person().landmarks_xy() - CENTRE
    rolled = make_person(roll=roll).landmarks_xy() - CENTRE
    # as complex numbers x + iy with y down, a clockwise turn is a multiplication by exp(i roll)
    expected = (upright[:, 0] + 1j * upright[:, 1]) * np.exp(1j * roll)
    np.testing.assert_allclose(rolled[:, 0] + 1j * rolled[:, 1], expected)


def test_yaw_moves_features_to_its_side_and_narrows_the_far_half():
    left_eye, right_eye, nose, *_ = make_person(yaw=0.5).landmarks_xy()
    assert nose[0] > CENTRE[0]
    assert right_eye[0] - nose[0] < nose[0] - left_eye[0]


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("yaw", [-0.65, 0.65])
def test_landmarks_keep_their_order_and_lie_in_the_box(seed, yaw):
    person = make_person(yaw=yaw, seed=seed)
    points = person.landmarks_xy()
    assert points[0, 0] < points[1, 0]
    assert points[3, 0] < points[4, 0]
    left_top, size = np.split(person.box_xywh(), 2)
    assert ((points >= left_top) & (points <= left_top + size)).all()


def test_canvas_remembers_who_painted_last():
    canvas = Canvas(np.zeros((40, 60, 3), np.uint8))
    square = np.array([[10.0, 10.0], [30.0, 10.0], [30.0, 30.0], [10.0, 30.0]])
    canvas.polygon(square, (10.0, 20.0, 30.0), owner=1)
    canvas.polygon(square + 10, (200.0, 200.0, 200.0), owner=2)
    canvas.stroke(np.array([[0.0, 15.0], [59.0, 15.0]]), 2.0, (1.0, 1.0, 1.0))
    owners = [canvas.owner_at(np.array(point)) for point in [(12, 12), (25, 25), (5, 5), (12, 15), (-1, 5), (60, 5)]]
    assert owners == [1, 2, NOBODY, NOBODY, NOBODY, NOBODY]
    np.testing.assert_array_equal(canvas.image()[12, 12], [10, 20, 30])


def test_polygons_cover_their_area():
    canvas = Canvas(np.zeros((100, 100, 3), np.uint8))
    canvas.polygon(ellipse((50.0, 50.0), 30.0, 20.0, corners=200), (255.0, 255.0, 255.0))
    # pi x 30 x 20, up to the half pixel that filling adds along the outline of about 159 px
    assert canvas.image()[..., 0].sum() / 255 == pytest.approx(np.pi * 600, abs=159 / SUPERSAMPLING)


def test_shade_brightens_the_lit_side_of_its_owner_only():
    canvas = Canvas(np.full((60, 60, 3), 100, np.uint8))
    canvas.polygon(np.array([[10.0, 0.0], [50.0, 0.0], [50.0, 60.0], [10.0, 60.0]]), (100.0, 100.0, 100.0), owner=1)
    canvas.shade(1, np.array([30.0, 30.0]), 25.0, np.array([0.5, 0.0]))
    row = canvas.image()[30, :, 0].astype(int)
    assert row[38] > 100 > row[22]
    assert (row[:9] == 100).all()


def test_colours():
    assert mix((0.0, 100.0, 200.0), (100.0, 100.0, 100.0), 0.25) == (25.0, 100.0, 175.0)
    assert darken((10.0, 20.0, 30.0), 0.5) == (5.0, 10.0, 15.0)


@pytest.mark.parametrize("seed", range(8))
def test_a_painted_person_shows_at_its_landmarks(seed):
    canvas = Canvas(np.zeros((160, 200, 3), np.uint8))
    person = make_person(seed=seed, yaw=0.3, roll=0.2)
    PersonPainter(canvas, 7, person).paint(np.zeros(2))
    assert [canvas.owner_at(point) for point in person.landmarks_xy()] == [7] * 5
    left, top, width, height = person.box_xywh()
    assert canvas.owner_at(np.array([left + width / 2, top + height / 2])) == 7


def scenes(count, start=0):
    return [draw_scene(f"{seed}.jpg", np.random.default_rng(seed)) for seed in range(start, start + count)]


def test_scenes_are_deterministic():
    (first, first_faces), (second, second_faces) = scenes(1, start=5) + scenes(1, start=5)
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(first_faces.boxes_xywh, second_faces.boxes_xywh)
    np.testing.assert_array_equal(first_faces.landmarks, second_faces.landmarks)


def test_scenes_vary():
    drawn = scenes(25)
    heights = np.concatenate([faces.boxes_xywh[:, 3] for _, faces in drawn])
    counts = [len(faces) for _, faces in drawn]
    for picture, _ in drawn:
        assert picture.dtype == np.uint8
        assert all(320 <= side <= 416 for side in picture.shape[:2])
    assert heights.min() >= 0.85 * MIN_FACE_HEIGHT  # a tilted chin shortens the box a little
    assert (heights < 14).any()
    assert (heights > 90).any()
    assert max(counts) >= 20
    visibility = np.concatenate([faces.landmarks[..., 2].ravel() for _, faces in drawn])
    assert set(visibility) == {1.0, 2.0}
    assert (visibility == 2).mean() > 0.8
