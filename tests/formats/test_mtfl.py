from __future__ import annotations

import numpy as np
import pytest

from ultra_face.data.sources import select_images
from ultra_face.formats.mtfl import MOUTH_SHIFT, NOSE_SHIFT, SIZE, boxes_from_landmarks, parse_mtfl
from ultra_face.formats.retinaface import parse_retinaface

FACE = np.array([[40, 30], [60, 30], [50, 38], [43, 48], [57, 48]], dtype=np.float64)
LINE = "a.jpg 40 60 50 43 57 30 30 38 48 48"


def test_a_box_by_hand():
    # Mean (50, 38.8); squared distances 100 + 77.44 (twice), 0.64, 49 + 84.64 (twice), of mean 124.56; mouth - eyes
    # is (0, 18), nose - mean (0, -0.8).
    scale = 124.56**0.5
    centre = np.array([50, 38.8 + 18 * MOUTH_SHIFT - 0.8 * NOSE_SHIFT])
    size = scale * np.array(SIZE)
    np.testing.assert_allclose(boxes_from_landmarks(FACE[None]), [[*(centre - size / 2), *size]])


def test_boxes_move_and_grow_with_the_face():
    left, top, width, height = boxes_from_landmarks(FACE[None])[0]
    moved = boxes_from_landmarks((3 * FACE + [5, -7])[None])
    np.testing.assert_allclose(moved, [[3 * left + 5, 3 * top - 7, 3 * width, 3 * height]])


def test_a_mirrored_face_has_the_mirrored_box():
    turned = FACE + [[0, 0], [0, 0], [6, 0], [0, 0], [0, 0]]
    mirrored = turned[[1, 0, 2, 4, 3]] * [-1, 1] + [100, 0]
    left, top, width, height = boxes_from_landmarks(turned[None])[0]
    np.testing.assert_allclose(boxes_from_landmarks(mirrored[None]), [[100 - left - width, top, width, height]])
    assert left + width / 2 < 50  # the nose points to the right, so the head is to the left of the points' mean


def test_lines_hold_all_x_before_all_y():
    first, second = parse_mtfl(f"{LINE}\n\nlfw/a b.jpg {' '.join(['1.5'] * 10)}\n", "landmarks.txt")
    assert [(entry.image, entry.where) for entry in (first, second)] == [
        ("a.jpg", "landmarks.txt:1"),
        ("lfw/a b.jpg", "landmarks.txt:3"),
    ]
    np.testing.assert_array_equal(first.landmarks, [np.concatenate([FACE, np.full((5, 1), 2)], axis=1)])
    np.testing.assert_array_equal(first.boxes_xywh, boxes_from_landmarks(FACE[None]))
    np.testing.assert_array_equal(first.invalid, [False])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a.jpg 1 2 3", r"landmarks\.txt:1: expected the path of an image, five x and five y, got 'a\.jpg 1 2 3'"),
        ("1 2 3 4 5 6 7 8 9 10 11", r"landmarks\.txt:1: expected the path of an image, five x"),
        (f"../{LINE}", r"landmarks\.txt:1: expected the path of an image, five x"),
        (LINE.replace("57", "nan"), r"landmarks\.txt:1: expected finite numbers, got 'nan'; correct or remove"),
        (f"{LINE}\n{LINE}", r"landmarks\.txt:2: expected each image once, got a\.jpg again; remove one of the two"),
    ],
)
def test_broken_lines_are_named(text, message):
    with pytest.raises(ValueError, match=message):
        parse_mtfl(text, "landmarks.txt")


def load_faces(source, list_name):
    """Boxes (N, 4) left, top, width, height and points (N, 5, 2) of the faces with all landmarks."""
    label_file = source / "label.txt"
    images = parse_retinaface(label_file.read_text(encoding="utf-8"), str(label_file))
    chosen = select_images(images, source / list_name)
    boxes = np.concatenate([entry.boxes_xywh for entry in chosen])
    landmarks = np.concatenate([entry.landmarks for entry in chosen])
    complete = (landmarks[..., 2] > 0).all(axis=1)
    return boxes[complete], landmarks[complete, :, :2]


def mean_iou(boxes, others):
    left_top = np.maximum(boxes[:, :2], others[:, :2])
    right_bottom = np.minimum(boxes[:, :2] + boxes[:, 2:], others[:, :2] + others[:, 2:])
    overlap = np.clip(right_bottom - left_top, 0, None).prod(axis=1)
    return (overlap / (boxes[:, 2:].prod(axis=1) + others[:, 2:].prod(axis=1) - overlap)).mean()


@pytest.mark.data
def test_the_constants_are_those_of_least_squares(shared_data):
    boxes, points = load_faces(shared_data / "wider-train-649", "train.txt")
    unit = np.sqrt(boxes[:, 2:].prod(axis=1))[:, None]
    offsets = points - points.mean(axis=1, keepdims=True)
    eyes, nose, mouth = offsets[:, :2].mean(axis=1), offsets[:, 2], offsets[:, 3:].mean(axis=1)
    centres = boxes[:, :2] + boxes[:, 2:] / 2 - points.mean(axis=1)
    scale = np.sqrt((offsets**2).sum(axis=2).mean(axis=1))[:, None]

    shifts = np.linalg.lstsq(
        np.stack([(mouth - eyes) / unit, nose / unit], axis=-1).reshape(-1, 2), (centres / unit).ravel(), rcond=None
    )[0]
    size = np.linalg.lstsq(scale / unit, boxes[:, 2:] / unit, rcond=None)[0]
    np.testing.assert_allclose([*shifts, *size[0]], [MOUTH_SHIFT, NOSE_SHIFT, *SIZE], atol=5e-4)

    # the figures of the module's header
    derived = boxes_from_landmarks(points)
    errors = (
        np.concatenate(
            [boxes[:, :2] + boxes[:, 2:] / 2 - derived[:, :2] - derived[:, 2:] / 2, boxes[:, 2:] - derived[:, 2:]],
            axis=1,
        )
        / unit
    )
    assert len(boxes) == 1763
    np.testing.assert_allclose(np.sqrt((errors**2).mean(axis=0)), [0.066, 0.084, 0.126, 0.143], atol=5e-4)
    assert mean_iou(boxes, derived) == pytest.approx(0.773, abs=5e-4)


@pytest.mark.data
def test_derived_boxes_of_faces_that_took_no_part(shared_data):
    boxes, points = load_faces(shared_data / "wider-train-649", "dev.txt")
    assert len(boxes) == 366
    assert mean_iou(boxes, boxes_from_landmarks(points)) == pytest.approx(0.778, abs=5e-4)


@pytest.mark.data
def test_the_shared_landmarks(shared_data):
    file = shared_data / "mtfl-80" / "landmarks.txt"
    assert len(parse_mtfl(file.read_text(encoding="utf-8"), file.name)) == 7138  # stated by the README of the data
