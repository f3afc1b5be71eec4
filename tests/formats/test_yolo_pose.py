from __future__ import annotations

import numpy as np
import pytest

from ultra_face.formats.annotation import FaceAnnotations
from ultra_face.formats.yolo_pose import RowLayout, format_labels, read_boxes, read_faces, read_labels, read_layout


def test_a_label_line_by_hand():
    faces = FaceAnnotations(
        image="a.jpg",
        where="label.txt:1",
        boxes_xywh=np.array([[20.0, 10.0, 40.0, 20.0]]),
        landmarks=np.array([[[30, 15, 2], [50, 15, 1], [40, 20, 2], [0, 0, 0], [45, 25, 2]]], dtype=np.float64),
        invalid=np.array([False]),
    )
    # width 100, height 50: centre ((20 + 20) / 100, (10 + 10) / 50), size (40 / 100, 20 / 50)
    assert format_labels(faces, width=100, height=50) == (
        "0 0.400000 0.400000 0.400000 0.400000 "
        "0.300000 0.300000 2 0.500000 0.300000 1 0.400000 0.400000 2 0 0 0 0.450000 0.500000 2\n"
    )


def test_round_trip(tmp_path):
    rng = np.random.default_rng(0)
    width, height = 1024, 683
    left_top = rng.uniform(0, 300, (50, 2))
    landmarks = np.concatenate([rng.uniform(0, 683, (50, 5, 2)), rng.integers(1, 3, (50, 5, 1))], axis=2)
    landmarks[rng.random((50, 5)) < 0.3] = 0
    boxes = np.concatenate([left_top, rng.uniform(2, 300, (50, 2))], axis=1)
    faces = FaceAnnotations("a.jpg", "label.txt:1", boxes, landmarks, np.zeros(50, bool))
    path = tmp_path / "a.txt"
    path.write_text(format_labels(faces, width=width, height=height), encoding="utf-8")

    boxes_cxcywh, read_landmarks = read_labels(path)
    size = np.array([width, height])
    # six decimals of at most 1024 px: half a unit of the last is 0.0005 px, twice that for a corner
    corners = (boxes_cxcywh[:, :2] - boxes_cxcywh[:, 2:] / 2) * size
    np.testing.assert_allclose(np.concatenate([corners, boxes_cxcywh[:, 2:] * size], axis=1), boxes, atol=1.1e-3)
    np.testing.assert_allclose(read_landmarks[..., :2] * size, landmarks[..., :2], atol=6e-4)
    np.testing.assert_array_equal(read_landmarks[..., 2], landmarks[..., 2])


def test_an_empty_file_has_no_faces(tmp_path):
    (tmp_path / "a.txt").write_text("\n", encoding="utf-8")
    boxes_cxcywh, landmarks = read_labels(tmp_path / "a.txt")
    assert boxes_cxcywh.shape == (0, 4)
    assert landmarks.shape == (0, 5, 3)


def test_an_image_without_label_file_has_no_faces(tmp_path):
    boxes_cxcywh, landmarks = read_labels(tmp_path / "none.txt")
    assert (boxes_cxcywh.shape, landmarks.shape) == ((0, 4), (0, 5, 3))


BOX = "0 0.5 0.5 0.1 0.2"
ROWS = {
    RowLayout.BOX: BOX,
    RowLayout.POINTS: f"{BOX} 0.3 0.4 0 0 -0.005 0.4 0 0.4 1 1",
    RowLayout.VISIBILITY: f"{BOX} 0.3 0.4 2 0 0 0 0 0 0 0 0.4 1 1 1 2",
}


@pytest.mark.parametrize("layout", RowLayout)
def test_every_layout_is_read(tmp_path, layout):
    (tmp_path / "a.txt").write_text(f"{ROWS[layout]}\n" * 2, encoding="utf-8")
    boxes_cxcywh, landmarks = read_labels(tmp_path / "a.txt")
    np.testing.assert_array_equal(boxes_cxcywh, [[0.5, 0.5, 0.1, 0.2]] * 2)
    # without visibility, the origin and what is left of the image or above it is missing; an edge is not
    points = [[0.3, 0.4], [0, 0], [0, 0], [0, 0.4], [1, 1]]
    visibility = {RowLayout.BOX: [0] * 5, RowLayout.POINTS: [2, 0, 0, 2, 2], RowLayout.VISIBILITY: [2, 0, 0, 1, 2]}
    np.testing.assert_array_equal(landmarks[1, :, :2], points if layout else np.zeros((5, 2)))
    np.testing.assert_array_equal(landmarks[1, :, 2], visibility[layout])
    np.testing.assert_array_equal(read_boxes(tmp_path / "a.txt"), boxes_cxcywh)
    assert read_layout(tmp_path / "a.txt") is layout


@pytest.mark.parametrize("layout", RowLayout)
def test_every_layout_is_written(tmp_path, layout):
    (tmp_path / "a.txt").write_text(ROWS[RowLayout.VISIBILITY], encoding="utf-8")
    faces = read_faces(tmp_path / "a.txt", "a.jpg", width=100, height=50)
    expected = {
        RowLayout.BOX: "",
        RowLayout.POINTS: " 0.300000 0.400000 0 0 0 0 0.000000 0.400000 1.000000 1.000000",
        RowLayout.VISIBILITY: " 0.300000 0.400000 2 0 0 0 0 0 0 0.000000 0.400000 1 1.000000 1.000000 2",
    }
    text = format_labels(faces, width=100, height=50, layout=layout)
    assert text == f"0 0.500000 0.500000 0.100000 0.200000{expected[layout]}\n"


def test_boxes_of_models_with_other_landmarks(tmp_path):
    (tmp_path / "a.txt").write_text(f"{BOX}{' 0.1 0.1' * 17}\n", encoding="utf-8")
    np.testing.assert_array_equal(read_boxes(tmp_path / "a.txt"), [[0.5, 0.5, 0.1, 0.2]])
    with pytest.raises(ValueError, match=r"a\.txt:1: expected 20 values \(.*\), 15 \(.*\) or 5 \(box\), got 39; run"):
        read_labels(tmp_path / "a.txt")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("0 0.5 0.5 0.1", r"a\.txt:1: expected 5 values or more, got 4; run `ultra-face prepare`"),
        ("0 0.5 0.5 0.1 1.5", r"a\.txt:1: expected coordinates from 0 to 1, got 1\.5"),
        ("0 0.5 0.5 0.1 x", r"a\.txt:1: expected numbers, got '0 0\.5 0\.5 0\.1 x'"),
    ],
)
def test_broken_boxes_are_named(tmp_path, line, message):
    (tmp_path / "a.txt").write_text(line, encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        read_boxes(tmp_path / "a.txt")


def test_faces_in_pixels(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("0 0.4 0.4 0.4 0.2 0.3 0.3 2 0.5 0.5 1" + " 0 0 0" * 3 + "\n", encoding="utf-8")
    faces = read_faces(path, "one/a.jpg", width=100, height=50)
    assert (faces.image, faces.where) == ("one/a.jpg", str(path))
    # left (0.4 - 0.4 / 2) x 100, top (0.4 - 0.2 / 2) x 50, 0.4 x 100, 0.2 x 50
    np.testing.assert_allclose(faces.boxes_xywh, [[20, 15, 40, 10]])
    np.testing.assert_allclose(faces.landmarks, [[[30, 15, 2], [50, 25, 1], [0, 0, 0], [0, 0, 0], [0, 0, 0]]])
    np.testing.assert_array_equal(faces.invalid, [False])


LANDMARKS = " 0 0 0" * 5


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("0 0.5 0.5 0.1 0.1", r"a\.txt:2: expected 20 values, got 5; run `ultra-face prepare`"),
        ("0 0.5 0.5 0.1 0.1" + " 0.5" * 9, r"a\.txt:2: expected 20 values, got 14"),
        ("0 0.5 0.5 0.1 x" + LANDMARKS, r"a\.txt:2: expected numbers, got '0 0\.5 0\.5 0\.1 x"),
        ("0 0.5 0.5 0.1 1.2" + LANDMARKS, r"a\.txt:2: expected coordinates from 0 to 1, got 1\.2"),
        ("0 0.5 0.5 0.1 0.1 -1 -1 0" + " 0 0 0" * 4, r"a\.txt:2: expected coordinates from 0 to 1, got -1"),
        ("0 nan 0.5 0.1 0.1" + LANDMARKS, r"a\.txt:2: expected coordinates from 0 to 1, got nan"),
    ],
)
def test_broken_lines_are_named(tmp_path, line, message):
    (tmp_path / "a.txt").write_text(f"0 0.5 0.5 0.1 0.1{LANDMARKS}\n{line}\n", encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        read_labels(tmp_path / "a.txt")


@pytest.mark.parametrize("number", ["-1", "0.5"])
def test_a_class_that_is_no_whole_number(tmp_path, number):
    file = tmp_path / "a.txt"
    file.write_text(f"{number} 0.5 0.5 0.2 0.2\n")
    with pytest.raises(ValueError, match=rf"a\.txt: expected the number of a class before each box, got {number}"):
        read_faces(file, "a.jpg", width=10, height=10)
