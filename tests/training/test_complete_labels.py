"""Labels are completed where teachers agree, and only there."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.peers.view import Image
from training.complete_labels import complete, look
from ultra_face.faces import Faces
from ultra_face.formats.annotation import FaceAnnotations

POINTS = np.array([[3, 4], [7, 4], [5, 6], [3, 8], [7, 8]], np.float32)


def labels(*boxes_xywh: tuple[float, ...], described: bool = False) -> FaceAnnotations:
    n = len(boxes_xywh)
    landmarks = np.zeros((n, 5, 3))
    if described:
        landmarks[..., 2] = 2
    return FaceAnnotations("a.jpg", "a.txt", np.reshape(boxes_xywh, (n, 4)).astype(float), landmarks, np.zeros(n, bool))


def found(*faces: tuple[float, float, float], side: float = 10) -> Faces:
    """Square faces of left, top and score."""
    left_top = np.reshape([face[:2] for face in faces], (-1, 2)).astype(np.float32)
    scores = np.array([face[2] for face in faces], np.float32)
    return Faces(np.concatenate([left_top, left_top + side], axis=1), POINTS + left_top[:, None], scores)


def test_a_face_that_all_teachers_find_is_added_with_the_first_ones_box_and_landmarks() -> None:
    completed, added = complete(labels((50, 50, 10, 10)), [found((0, 0, 0.9)), found((1, 0, 0.8))])
    # 10 x 10 px moved by one: overlap 90, union 110, or 10 x 11 of 12 x 11 pixels counted inclusively.
    assert completed.boxes_xywh.tolist() == [[50, 50, 10, 10], [0, 0, 10, 10]]
    np.testing.assert_allclose(completed.landmarks[1, :, :2], POINTS)
    assert completed.landmarks[1, :, 2].tolist() == [2] * 5
    assert (len(completed), added["faces"], added["landmarks"]) == (2, 1, 0)


@pytest.mark.parametrize(
    "second",
    [found(), found((0, 0, 0.4)), found((30, 30, 0.9))],
    ids=["finds nothing", "is unsure", "finds another face"],
)
def test_a_face_of_one_teacher_alone_is_not_added(second: Faces) -> None:
    completed, added = complete(labels(), [found((0, 0, 0.9)), second])
    assert (len(completed), added["faces"]) == (0, 0)


def test_a_face_near_a_label_is_that_label() -> None:
    teachers = [found((5, 0, 0.9)), found((5, 0, 0.9))]
    # Overlap of 5 of 15 columns: 6 of 16 inclusively, more than NEAR_A_LABEL and less than SAME_FACE.
    completed, added = complete(labels((0, 0, 10, 10)), teachers)
    assert (len(completed), added["faces"], added["landmarks"]) == (1, 0, 0)


def test_a_label_without_landmarks_gets_those_of_the_first_teacher() -> None:
    completed, added = complete(labels((1, 1, 10, 10)), [found((0, 0, 0.9)), found()])
    np.testing.assert_allclose(completed.landmarks[0, :, :2], POINTS)
    assert (completed.boxes_xywh.tolist(), added["landmarks"]) == ([[1, 1, 10, 10]], 1)


def test_landmarks_that_are_labelled_stay() -> None:
    completed, added = complete(labels((0, 0, 10, 10), described=True), [found((0, 0, 0.9)), found((0, 0, 0.9))])
    assert completed.landmarks[0, :, :2].tolist() == [[0, 0]] * 5
    assert added["landmarks"] == 0


def test_an_image_where_nobody_finds_anything_stays() -> None:
    completed, added = complete(labels((0, 0, 10, 10)), [found(), found()])
    assert (len(completed), sum(added.values())) == (1, 0)


class WhitePixels:
    """A detector whose one face of 10 px is at the first white pixel of a view."""

    nms_iou, CANDIDATES = 0.4, 100

    def __call__(self, image: Image) -> Faces:
        assert image.flags.c_contiguous
        rows, columns = np.nonzero(image[..., 0])
        return found((columns[0], rows[0], 0.9)) if len(rows) else found()


def test_a_face_in_several_views_is_one_face_in_pixels_of_the_photograph() -> None:
    photograph = np.zeros((100, 200, 3), np.uint8)
    photograph[50, 100] = 255  # in the middle, where all four quarters overlap
    faces = look(WhitePixels(), photograph)
    assert faces.boxes_xyxy.tolist() == [[100, 50, 110, 60]]
    np.testing.assert_allclose(faces.landmarks[0], POINTS + (100, 50))
