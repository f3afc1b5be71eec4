from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from ultra_face.eval.image_names import ImageSetError
from ultra_face.eval.landmark_files import (
    LandmarkFileError,
    read_landmark_file,
    select_images,
    write_landmark_file,
)
from ultra_face.eval.pairing import LandmarkFaces

TRIPLES = "1 2 0 3 4 0 5 6 1 -1 -1 -1 9 10 0"


def test_rows_of_all_lengths(tmp_path):
    path = tmp_path / "label.txt"
    path.write_text(f"# e/a.jpg\n10 20 30 40 {TRIPLES} 0.75\n10 20 30 40 {TRIPLES}\n\n10 20 30 40\n# e/b.jpg\n")
    faces = read_landmark_file(path)
    assert list(faces) == ["e/a.jpg", "e/b.jpg"]
    assert_array_equal(faces["e/a.jpg"].boxes_xywh, [[10, 20, 30, 40]] * 3)
    assert_array_equal(faces["e/a.jpg"].landmarks[0], [[1, 2], [3, 4], [5, 6], [0, 0], [9, 10]])
    assert_array_equal(faces["e/a.jpg"].visible, [[1, 1, 1, 0, 1], [1, 1, 1, 0, 1], [0, 0, 0, 0, 0]])
    assert_array_equal(faces["e/a.jpg"].scores, [0.75, 1, 1])
    assert faces["e/b.jpg"].landmarks.shape == (0, 5, 2)


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
        read_landmark_file(path)


def test_written_faces_read_the_same(tmp_path):
    rng = np.random.default_rng(0)
    visible = np.array([[True] * 5, [True, False, True, True, True]])
    landmarks = np.where(visible[..., None], rng.uniform(0, 500, (2, 5, 2)), 0)
    faces = LandmarkFaces(rng.uniform(0, 500, (2, 4)), landmarks, visible, rng.random(2))
    none = LandmarkFaces(np.zeros((0, 4)), np.zeros((0, 5, 2)), np.zeros((0, 5), bool), np.zeros(0))
    write_landmark_file(tmp_path / "out.txt", {"e/a.jpg": faces, "e/b.jpg": none})
    again = read_landmark_file(tmp_path / "out.txt")
    assert list(again) == ["e/a.jpg", "e/b.jpg"]
    for field in ("boxes_xywh", "landmarks", "visible", "scores"):
        assert_array_equal(getattr(again["e/a.jpg"], field), getattr(faces, field))


def test_selection():
    faces = {"a": 1, "b": 2}
    assert select_images(faces, None, source="x") == faces
    assert select_images(faces, ["b"], source="x") == {"b": 2}
    with pytest.raises(ImageSetError, match="x: lacks 1 images: c"):
        select_images(faces, ["b", "c"], source="x")


@pytest.mark.data
def test_real_annotations(shared_data):
    faces = read_landmark_file(shared_data / "wider-train-649" / "label.txt")
    assert len(faces) == 649
    assert sum(len(image.scores) for image in faces.values()) == 2480
    assert sum(int(image.visible.any(axis=1).sum()) for image in faces.values()) == 2129
