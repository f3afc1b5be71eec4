"""Preparation and evaluation read the same faces from the same file."""

from __future__ import annotations

import numpy as np
import pytest

from ultra_face.data.sources import open_source
from ultra_face.evaluation.ground_truth import load_ground_truth
from ultra_face.formats.retinaface import LandmarkFileError, read_annotated_faces

POINTS = "1 2 0 3 4 1 5 6 0 -1 -1 -1 7 8 0"


def same_landmark_faces(file):
    """Number of faces with landmarks, and without."""
    (split,) = open_source(file)
    evaluated = read_annotated_faces(file)
    assert [entry.image for entry in split.faces] == list(evaluated)
    for entry in split.faces:
        faces = evaluated[entry.image]
        np.testing.assert_array_equal(faces.boxes_xywh, entry.boxes_xywh)
        np.testing.assert_array_equal(faces.landmarks, entry.landmarks)
    shown = np.concatenate([(faces.landmarks[..., 2] > 0).any(axis=1) for faces in evaluated.values()])
    return int(shown.sum()), int((~shown).sum())


def test_rows_of_every_length(tmp_path):
    rows = ("1 2 3 4", "1 2 3 4 0 0 0 1 0 0", f"1 2 3 4 {POINTS}", f"1 2 3 4 {POINTS} 0.5")
    (tmp_path / "label.txt").write_text("# e/a.jpg\n" + "\n".join(rows) + "\n# e/none.jpg\n", encoding="utf-8")
    assert same_landmark_faces(tmp_path / "label.txt") == (2, 2)


def test_what_is_broken_for_one_is_broken_for_the_other(tmp_path):
    (tmp_path / "label.txt").write_text("# e/a.jpg\n1 2 3 4" + " 1 2 0.5" * 5, encoding="utf-8")
    message = r"label\.txt:2: expected landmark flags -1, 0 or 1, got 0\.5"
    with pytest.raises(ValueError, match=message):
        open_source(tmp_path)
    with pytest.raises(LandmarkFileError, match=message):
        read_annotated_faces(tmp_path / "label.txt")


def test_the_official_list(official_list):
    (split,) = open_source(official_list.parents[1], split_lists={"val": None})
    truth = load_ground_truth(official_list)
    assert len(truth.images) == len(split.faces) == 3
    np.testing.assert_array_equal(truth.boxes_xywh, np.concatenate([entry.boxes_xywh for entry in split.faces]))
    np.testing.assert_array_equal(truth.counted["all"], [True, False, True])


@pytest.fixture
def official_list(tmp_path):
    """An official list with an invalid face, and an image whose row of zeros stands for no face."""
    (tmp_path / "WIDER_val" / "images").mkdir(parents=True)
    file = tmp_path / "wider_face_split" / "wider_face_val_bbx_gt.txt"
    file.parent.mkdir()
    file.write_text(
        "0--a/a.jpg\n2\n1 2 3 4 0 0 0 0 0 0\n5 6 7 8 0 0 0 1 0 0\n"
        "0--a/none.jpg\n1\n0 0 0 0 0 0 0 0 0 0\n1--b/b.jpg\n1\n9 9 9 9 0 0 0 0 0 0\n",
        encoding="utf-8",
    )
    return file


@pytest.mark.data
def test_real_landmarks(shared_data):
    # of the 2,480 faces that the README of the data states, 2,129 have landmarks
    assert same_landmark_faces(shared_data / "wider-train-649" / "label.txt") == (2129, 2480 - 2129)
