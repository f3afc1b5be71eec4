from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import pytest

from ultra_face.demo import dataset
from ultra_face.demo.canvas import NOBODY, SUPERSAMPLING, Canvas, darken, ellipse, mix
from ultra_face.demo.dataset import MIN_FACE_HEIGHT, draw_scene, generate_demo
from ultra_face.demo.painter import PersonPainter
from ultra_face.demo.person import FOREHEAD, Person, Pose, random_look
from ultra_face.formats.image_files import image_size
from ultra_face.formats.yolo_pose import read_labels

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


def snapshot(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def few_pictures(monkeypatch):
    monkeypatch.setattr(dataset, "SPLIT_SIZES", {"train": 3, "val": 2})


@pytest.mark.usefixtures("few_pictures")
def test_layout(tmp_path):
    generate_demo(tmp_path / "demo")
    assert set(snapshot(tmp_path / "demo")) == {
        ".ultra_face.json",
        *(f"{kind}/train/{index:04d}{suffix}" for kind, suffix in KINDS for index in range(3)),
        *(f"{kind}/val/{index:04d}{suffix}" for kind, suffix in KINDS for index in range(2)),
    }


KINDS = (("images", ".jpg"), ("labels", ".txt"))


@pytest.mark.usefixtures("few_pictures")
def test_the_seed_decides(tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        generate_demo(tmp_path / name, seed=seed)
    first, same, other = (snapshot(tmp_path / name) for name in "abc")
    assert first == same
    pictures = [name for name in first if name.endswith(".jpg")]
    assert all(first[name] != other[name] for name in pictures)
    assert len({first[name] for name in pictures}) == len(pictures)


@pytest.mark.usefixtures("few_pictures")
def test_an_interrupted_run_shows_no_split_and_is_completed(tmp_path):
    def stop_after_four(jobs):
        yield from jobs[:4]
        raise KeyboardInterrupt

    generate_demo(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        generate_demo(tmp_path / "demo", progress=stop_after_four)
    assert not (tmp_path / "demo" / "images" / "train").exists()
    assert not (tmp_path / "demo" / "images" / "val").exists()
    generate_demo(tmp_path / "demo")
    assert snapshot(tmp_path / "demo") == snapshot(tmp_path / "whole")


@pytest.mark.usefixtures("few_pictures")
def test_damaged_files_are_drawn_again_and_others_left(tmp_path):
    generate_demo(tmp_path)
    before = snapshot(tmp_path)
    (tmp_path / "images" / "val" / "0000.jpg").write_bytes(b"\xff")
    (tmp_path / "labels" / "train" / "0001.txt").unlink()
    (tmp_path / "mine.txt").write_bytes(b"mine")
    generate_demo(tmp_path)
    assert snapshot(tmp_path) == {**before, "mine.txt": b"mine"}


def test_a_folder_of_the_user_is_refused(tmp_path):
    (tmp_path / "mine.txt").write_bytes(b"mine")
    with pytest.raises(FileExistsError, match="expected a new or empty folder"):
        generate_demo(tmp_path)


def test_a_full_disk(tmp_path, monkeypatch):
    def refuse(self, content):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", refuse)
    with pytest.raises(OSError, match="the disk is full while writing"):
        generate_demo(tmp_path / "demo")


@pytest.mark.slow
def test_the_whole_set(tmp_path):
    generate_demo(tmp_path)
    sizes = dict.fromkeys(dataset.SPLIT_SIZES, 0)
    heights = []
    for image in sorted((tmp_path / "images").rglob("*.jpg")):
        split = image.parent.name
        sizes[split] += 1
        _, height = image_size(image.read_bytes())
        boxes_cxcywh, landmarks = read_labels(tmp_path / "labels" / split / f"{image.stem}.txt")
        heights.extend(boxes_cxcywh[:, 3] * height)
        assert ((landmarks[..., 2] > 0) | (landmarks[..., :2].sum(axis=-1) == 0)).all()
    assert sizes == {"train": 128, "val": 32}
    assert len(heights) > 1000
    assert np.percentile(heights, 5) < 12
    assert np.percentile(heights, 95) > 60
