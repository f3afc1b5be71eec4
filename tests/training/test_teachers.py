"""Teachers look at a photograph in several views, and their faces become votes."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from training.teachers import Image, look, open_teacher, unite, views, vote
from ultra_face.evaluation.matching import pair_faces
from ultra_face.faces import Faces
from ultra_face.formats.retinaface import parse_retinaface

POINTS = np.array([[3, 4], [7, 4], [5, 6], [3, 8], [7, 8]], np.float32)


def found(*faces: tuple[float, float, float]) -> Faces:
    """Faces of 10 px by left, top and score; their landmarks are symmetric."""
    left_top = np.reshape([face[:2] for face in faces], (-1, 2)).astype(np.float32)
    scores = np.array([face[2] for face in faces], np.float32)
    return Faces(np.concatenate([left_top, left_top + 10], axis=1), POINTS + left_top[:, None], scores)


def test_votes_are_counted_and_scores_are_means_over_all_teachers() -> None:
    faces = vote([found((0, 0, 0.9)), found((2, 0, 0.6), (50, 50, 0.5)), found()])
    # The first two overlap by 8 x 10 of 12 x 10 px, 9 x 11 of 13 x 11 counted inclusively.
    assert faces.data["votes"].tolist() == [2, 1]
    np.testing.assert_allclose(faces.scores, [(0.9 + 0.6 + 0) / 3, 0.5 / 3], rtol=1e-6)
    shift = 2 * 0.6**2 / (0.9**2 + 0.6**2)  # weighed by the squares of the scores
    np.testing.assert_allclose(faces.boxes_xyxy[0], [shift, 0, 10 + shift, 10], rtol=1e-6)
    np.testing.assert_allclose(faces.landmarks[0], POINTS + (shift, 0), rtol=1e-6)


def test_two_faces_of_one_teacher_are_one_vote() -> None:
    faces = vote([found((0, 0, 0.9), (2, 0, 0.8)), found()])
    assert faces.data["votes"].tolist() == [1]
    np.testing.assert_allclose(faces.scores, [0.9 / 2], rtol=1e-6)


def test_landmarks_come_from_those_who_have_some() -> None:
    without = found((2, 0, 0.9))
    without.landmarks[:] = np.nan
    np.testing.assert_allclose(unite([found((0, 0, 0.5)), without]).landmarks[0], POINTS)
    assert np.isnan(unite([without]).landmarks).all()


def test_what_overlaps_a_better_face_a_little_is_a_part_of_it() -> None:
    # Moved by 4 of 10 px: 7 x 11 of 15 x 11 px inclusively, less than half; 6 of 14 exactly, more than APART.
    assert len(unite([found((0, 0, 0.9)), found((4, 0, 0.8))])) == 1
    assert len(unite([found((0, 0, 0.9)), found((5, 0, 0.8))])) == 2  # 5 of 15


def test_nothing_found_is_no_face() -> None:
    faces = vote([found(), found()])
    assert (len(faces), faces.data["votes"].shape) == (0, (0,))


def test_a_size_above_the_input_is_shown_in_tiles() -> None:
    # 1280 of 640 px halves the long side: tiles of 100 px. A tile of 100 advances by 75 at most: three cover 200.
    shown = views(100, 200, [640, 1280], mirror=True)
    assert [tuple(view.window) for view in shown] == [(0, 0, 200, 100)] * 2 + [(x, 0, 100, 100) for x in (0, 50, 100)]
    assert [view.mirrored for view in shown] == [False, True, False, False, False]


class WhitePixel:
    """A teacher whose one face of 10 px lies about the first white pixel of a view."""

    def __call__(self, image: Image) -> Faces:
        assert image.flags.c_contiguous
        rows, columns = np.nonzero(image[..., 0])
        return found((columns[0] - 4.5, rows[0] - 4.5, 0.9)) if len(rows) else found()


def test_a_face_in_several_views_is_one_face_in_pixels_of_the_photograph() -> None:
    photograph = np.zeros((100, 200, 3), np.uint8)
    photograph[50, 80] = 255  # in the whole, mirrored too, and in two of three tiles
    faces = look(WhitePixel(), photograph, [640, 1280], mirror=True)
    np.testing.assert_allclose(faces.boxes_xyxy, [[75.5, 45.5, 85.5, 55.5]])
    np.testing.assert_allclose(faces.landmarks[0], POINTS + (75.5, 45.5))


class RightEdge:
    """A teacher that sees a face at the right edge of every view."""

    def __call__(self, image: Image) -> Faces:
        return found((image.shape[1] - 10, 0, 0.9))


def test_a_face_that_a_tile_cuts_does_not_count() -> None:
    photograph = np.zeros((100, 200, 3), np.uint8)
    faces = look(RightEdge(), photograph, [1280], mirror=False)
    assert faces.boxes_xyxy.tolist() == [[190, 0, 200, 10]]  # those at 90 and 140 may be cut


def test_a_file_that_is_no_detector_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"scrfd_500m\.onnx: expected an ONNX file, got no file"):
        open_teacher(tmp_path / "scrfd_500m.onnx")
    with pytest.raises(FileNotFoundError, match=r"best\.pt"):
        open_teacher(tmp_path / "best.pt")


@pytest.mark.data
def test_real_teachers_agree_on_what_people_labelled(shared_data: Path) -> None:
    files = [shared_data.parent / "peers" / name for name in ("scrfd_500m_kps.onnx", "yolov8n-face.pt")]
    if not all(file.is_file() for file in files):
        pytest.skip("needs the files of other detectors beside the real photographs")
    teachers = [open_teacher(file) for file in files]
    folder = shared_data / "wider-train-649"
    label = folder / "label.txt"
    labels = {item.image: item for item in parse_retinaface(label.read_text(encoding="utf-8"), str(label))}
    labelled = agreed = right = 0
    for name in (folder / "dev.txt").read_text(encoding="utf-8").split()[:4]:
        image = cv2.imread(str(folder / "images" / name))
        faces = vote([look(teacher, image, [640], mirror=True) for teacher in teachers])
        faces = faces[(faces.data["votes"] == 2) & (faces.scores >= 0.5)]
        right += len(pair_faces(faces.boxes_xywh, faces.scores, labels[name].boxes_xywh))
        labelled, agreed = labelled + len(labels[name]), agreed + len(faces)
    assert labelled >= 4
    assert right >= 0.8 * labelled
    assert right >= 0.8 * agreed
