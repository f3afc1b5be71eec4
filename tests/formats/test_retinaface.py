from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from ultra_face.faces import Faces
from ultra_face.formats.retinaface import (
    LandmarkFileError,
    format_retinaface,
    parse_retinaface,
    read_annotated_faces,
    read_detected_faces,
    write_detected_faces,
)

POINTS = "1 2 0 3 4 1 5 6 0.0 -1 -1 -1 7 8 0"
EXPECTED_POINTS = [[1, 2, 2], [3, 4, 1], [5, 6, 2], [0, 0, 0], [7, 8, 2]]
MISSING = "-1 -1 -1 " * 5


def parse_row(row):
    (entry,) = parse_retinaface(f"# a.jpg\n{row}\n", "label.txt")
    return entry


@pytest.mark.parametrize("score", ["", " 0.82", " -1"])
def test_rows_with_landmarks_with_and_without_the_trailing_score(score):
    entry = parse_row(f"10 20 30.5 40 {POINTS}{score}")
    np.testing.assert_array_equal(entry.boxes_xywh, [[10, 20, 30.5, 40]])
    np.testing.assert_array_equal(entry.landmarks, [EXPECTED_POINTS])
    np.testing.assert_array_equal(entry.invalid, [False])


@pytest.mark.parametrize("row", ["10 20 30 40", f"10 20 30 40 {MISSING}", f"10 20 30 40 {MISSING} 0.5"])
def test_faces_without_landmarks(row):
    entry = parse_row(row)
    np.testing.assert_array_equal(entry.boxes_xywh, [[10, 20, 30, 40]])
    np.testing.assert_array_equal(entry.landmarks, np.zeros((1, 5, 3)))


def test_official_rows_keep_their_invalid_flag():
    np.testing.assert_array_equal(parse_row("10 20 30 40 0 0 0 1 0 0").invalid, [True])


def test_the_last_number_of_a_full_row_is_the_score():
    rows = ("10 20 30 40", f"10 20 30 40 {POINTS}", f"10 20 30 40 {POINTS} 0.25", "10 20 30 40 0 0 0 1 0 0")
    (entry,) = parse_retinaface("# a.jpg\n" + "\n".join(rows), "label.txt")
    np.testing.assert_array_equal(entry.scores, [1, 1, 0.25, 1])
    np.testing.assert_array_equal(entry.invalid, [False, False, False, True])


def test_what_is_written_is_read_again():
    images = parse_retinaface(f"# a/b c.jpg\n1.1 2 3 4\n5 6 7 8 {POINTS} 0.1\n# none.png\n", "label.txt")
    again = parse_retinaface(format_retinaface(images), "again.txt")
    assert [entry.image for entry in again] == ["a/b c.jpg", "none.png"]
    for entry, before in zip(again, images, strict=True):
        for field in ("boxes_xywh", "landmarks", "scores"):
            np.testing.assert_array_equal(getattr(entry, field), getattr(before, field))


@pytest.mark.parametrize("row", ["10 20 40 60", f"10 20 40 60 {POINTS}", f"10 20 40 60 {POINTS} 0.5"])
def test_a_header_with_a_size_is_that_of_scrfd_whose_rows_are_corners(row):
    (entry,) = parse_retinaface(f"# one/a b.jpg 100 80\n{row}\n", "labelv2.txt")
    assert (entry.image, entry.stated_size) == ("one/a b.jpg", (100, 80))
    # x, y, x2 - x1, y2 - y1
    np.testing.assert_array_equal(entry.boxes_xywh, [[10, 20, 30, 40]])


def test_a_header_without_size_states_none():
    assert parse_row("10 20 30 40").stated_size is None
    assert parse_retinaface("# a.jpg 0 0\n", "label.txt")[0].stated_size is None


def test_layouts_may_be_mixed_and_images_may_have_no_face():
    text = f"# a/b c.jpg\n1 2 3 4\n5 6 7 8 {POINTS} 1\n\n# none.png\n# d.jpg\n9 9 9 9\n"
    images = parse_retinaface(text, "label.txt")
    assert [(entry.image, len(entry)) for entry in images] == [
        ("a/b c.jpg", 2),
        ("none.png", 0),
        ("d.jpg", 1),
    ]
    assert [entry.where for entry in images] == ["label.txt:1", "label.txt:5", "label.txt:6"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 2 3 4\n", r"label\.txt:1: expected '# path of an image' before the first face, got '1 2 3 4'"),
        ("# \n", r"label\.txt:1: expected '# path of an image', got '# '"),
        ("# ../../a.jpg\n", r"label\.txt:1: expected '# path of an image'"),
        ("# a.jpg\n# b.jpg\n# a.jpg\n", r"label\.txt:3: expected each image once, got a\.jpg again"),
        ("# a.jpg\n1 2 3\n", r"label\.txt:2: expected 20 or 19 values .*, got 3"),
        ("# a.jpg\n1 2 3 4 5 6 7 8 9 10 11 12 13 14\n", r"label\.txt:2: expected 20 or 19 values .*, got 14"),
        ("# a.jpg\n1 2 3 inf\n", r"label\.txt:2: expected finite numbers, got 'inf'"),
        (
            "# a.jpg\n1 2 3 4" + " 1 2 7" * 5 + "\n",
            r"label\.txt:2: expected landmark flags -1, 0 or 1, got 7",
        ),
        ("# a.jpg 100\n", r"label\.txt:1: expected '# path of an image', got '# a\.jpg 100'; correct the line"),
        ("# a.jpg 10 -8\n", r"label\.txt:1: expected '# path of an image', got '# a\.jpg 10 -8'"),
        (
            "# a.jpg 100 80\n50 20 30 40\n",
            r"label\.txt:2: expected corners x1 y1 x2 y2, as in SCRFD's labelv2\.txt .*, got 50 20 30 40; correct the",
        ),
        ("# a.jpg 100 80\n50 20\n", r"label\.txt:2: expected 20 or 19 values .*, got 2"),
        ("# a.jpg\n1 2 3 4 0 0 0 0 9 0\n", r"label\.txt:2: expected occlusion from 0 to 2, got 9"),
    ],
)
def test_broken_lines_are_named(text, message):
    with pytest.raises(ValueError, match=message):
        parse_retinaface(text, "label.txt")


@pytest.mark.data
def test_the_shared_training_labels(shared_data):
    path = shared_data / "wider-train-649" / "label.txt"
    images = parse_retinaface(path.read_text(encoding="utf-8"), path.name)
    # stated by the README of the data: 649 images, 2,480 faces, 2,129 with landmarks
    assert len(images) == 649
    assert sum(map(len, images)) == 2480
    assert sum(int((entry.landmarks[..., 2] > 0).any(axis=1).sum()) for entry in images) == 2129


TRIPLES = "1 2 0 3 4 0 5 6 1 -1 -1 -1 9 10 0"


def test_rows_of_all_lengths(tmp_path):
    path = tmp_path / "label.txt"
    path.write_text(f"# e/a.jpg\n10 20 30 40 {TRIPLES} 0.75\n10 20 30 40 {TRIPLES}\n\n10 20 30 40\n# e/b.jpg\n")
    faces = read_annotated_faces(path)
    assert list(faces) == ["e/a.jpg", "e/b.jpg"]
    assert_array_equal(faces["e/a.jpg"].boxes_xywh, [[10, 20, 30, 40]] * 3)
    assert_array_equal(faces["e/a.jpg"].landmarks[0, :, :2], [[1, 2], [3, 4], [5, 6], [0, 0], [9, 10]])
    assert_array_equal(faces["e/a.jpg"].landmarks[..., 2] > 0, [[1, 1, 1, 0, 1], [1, 1, 1, 0, 1], [0, 0, 0, 0, 0]])
    assert_array_equal(faces["e/a.jpg"].scores, [0.75, 1, 1])
    assert faces["e/b.jpg"].landmarks.shape == (0, 5, 3)
    detected = read_detected_faces(path)["e/a.jpg"]
    assert_array_equal(detected.boxes_xyxy, [[10, 20, 40, 60]] * 3)
    assert_array_equal(detected.landmarks, faces["e/a.jpg"].landmarks[..., :2])
    assert_array_equal(detected.scores, [0.75, 1, 1])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"label\.txt: holds no image; expected lines '# path'"),
        ("1 2 3 4\n", r"label\.txt:1: expected '# path of an image' before the first face, got '1 2 3 4'"),
        ("# a.jpg\n# a.jpg\n", r"label\.txt:2: expected each image once, got a\.jpg again"),
        ("# a.jpg\n1 2 3\n", r"label\.txt:2: expected 20 or 19 values .*, got 3"),
        ("# a.jpg\n1 2 3 x\n", r"label\.txt:2: expected finite numbers, got 'x'"),
        ("# a.jpg\n1 2 3 nan\n", r"label\.txt:2: expected finite numbers, got 'nan'"),
        ("# a.jpg\n1 2 3 4" + " 1 2 0.5" * 5, r"label\.txt:2: expected landmark flags -1, 0 or 1, got 0\.5"),
    ],
)
def test_broken_files(tmp_path, text, message):
    path = tmp_path / "label.txt"
    path.write_text(text)
    with pytest.raises(LandmarkFileError, match=message):
        read_annotated_faces(path)


def test_written_faces_read_the_same(tmp_path):
    rng = np.random.default_rng(0)
    visible = np.array([[True] * 5, [True, False, True, True, True]])
    landmarks = np.where(visible[..., None], rng.uniform(0, 500, (2, 5, 2)), np.nan).astype(np.float32)
    corners = rng.uniform(0, 500, (2, 4)).astype(np.float32)
    faces = Faces(corners, landmarks, rng.random(2).astype(np.float32))
    none = Faces(np.zeros((0, 4)), np.zeros((0, 5, 2)), np.zeros(0))
    write_detected_faces(tmp_path / "out.txt", {"e/a.jpg": faces, "e/b.jpg": none})
    again = read_detected_faces(tmp_path / "out.txt")
    assert list(again) == ["e/a.jpg", "e/b.jpg"]
    assert_array_equal(again["e/a.jpg"].landmarks, np.where(visible[..., None], landmarks, 0))
    assert_array_equal(again["e/a.jpg"].scores, faces.scores)
    # Single precision in double: sizes have no rounding, and neither have the corners made of them.
    assert_array_equal(again["e/a.jpg"].boxes_xyxy, corners)
    annotated = read_annotated_faces(tmp_path / "out.txt")["e/a.jpg"]
    assert_array_equal(annotated.landmarks[..., 2] > 0, visible)


@pytest.mark.data
def test_real_annotations(shared_data):
    faces = read_annotated_faces(shared_data / "wider-train-649" / "label.txt")
    assert len(faces) == 649
    assert sum(len(image.scores) for image in faces.values()) == 2480
    assert sum(int((image.landmarks[..., 2] > 0).any(axis=1).sum()) for image in faces.values()) == 2129
