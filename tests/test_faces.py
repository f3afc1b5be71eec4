"""Faces, the value object that results turn into."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from ultralytics import YOLO
from ultralytics.engine.results import Results

from ultra_face import Faces
from ultra_face.faces import RECOGNITION_TEMPLATE


def empty(num_faces: int = 0) -> Faces:
    return Faces(
        np.zeros((num_faces, 4), np.float32),
        np.zeros((num_faces, 5, 2), np.float32),
        np.zeros(num_faces, np.float32),
    )


def result(keypoints: torch.Tensor | None, num_faces: int = 2) -> Results:
    boxes = torch.tensor([[10, 20, 30, 50, 0.9, 0], [1, 2, 3, 4, 0.5, 0]], dtype=torch.float32)[:num_faces]
    image = np.zeros((60, 80, 3), np.uint8)
    return Results(image, path="a.jpg", names={0: "face"}, boxes=boxes, keypoints=keypoints)


@pytest.mark.parametrize("values", [2, 3])
def test_from_result_keeps_pixels_and_order(values: int) -> None:
    keypoints = torch.arange(2 * 5 * values, dtype=torch.float32).view(2, 5, values) + 1
    faces = Faces.from_result(result(keypoints))
    np.testing.assert_array_equal(faces.boxes_xyxy, [[10, 20, 30, 50], [1, 2, 3, 4]])
    np.testing.assert_array_equal(faces.landmarks, keypoints[..., :2].numpy())
    np.testing.assert_allclose(faces.scores, [0.9, 0.5])


def test_a_result_without_detections_gives_no_faces() -> None:
    faces = Faces.from_result(result(torch.zeros(0, 5, 3), num_faces=0))
    assert len(faces) == 0
    assert list(faces) == []


def test_a_photograph_without_faces_gives_no_faces() -> None:
    # An untrained model is sure of nothing.
    (found,) = YOLO("yolov5n-face.yaml").predict(np.zeros((64, 64, 3), np.uint8), imgsz=64, conf=0.99, verbose=False)
    assert len(Faces.from_result(found)) == 0


def test_a_result_without_keypoints_is_refused() -> None:
    with pytest.raises(ValueError, match="expected a result with keypoints, got none; predict with a face model"):
        Faces.from_result(result(None))


def test_another_number_of_keypoints_is_refused() -> None:
    with pytest.raises(ValueError, match=r"expected .* landmarks \(N, 5, 2\) .* got .*\(2, 17, 2\)"):
        Faces.from_result(result(torch.zeros(2, 17, 3)))


def test_shapes_that_disagree_are_refused() -> None:
    with pytest.raises(ValueError, match=r"Faces: expected boxes \(N, 4\)"):
        Faces(np.zeros((2, 4), np.float32), np.zeros((2, 5, 2), np.float32), np.zeros(3, np.float32))


def test_iteration_gives_one_face_at_a_time() -> None:
    faces = Faces.from_result(result(torch.ones(2, 5, 3)))
    box, landmarks, score = list(faces)[1]
    np.testing.assert_array_equal(box, [1, 2, 3, 4])
    assert landmarks.shape == (5, 2)
    assert score == pytest.approx(0.5)


def test_a_face_is_frozen() -> None:
    with pytest.raises(AttributeError, match="cannot assign"):
        empty().scores = np.zeros(1, np.float32)  # type: ignore[misc]


def blobs(image: NDArray[np.uint8], points: NDArray[np.float32], radius: int) -> NDArray[np.uint8]:
    """The image with a white disc at every point."""
    for x, y in points:
        cv2.circle(image, (round(float(x)), round(float(y))), radius, (255, 255, 255), -1)
    return image


@pytest.mark.parametrize("size", [112, 224])
@pytest.mark.parametrize("degrees", [0, 30, -80])
def test_align_brings_the_landmarks_to_the_template(degrees: float, size: int) -> None:
    turn = np.deg2rad(degrees)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]], np.float32)
    points = ((RECOGNITION_TEMPLATE - 56) @ rotation.T * 1.5 + [200, 150]).astype(np.float32)
    image = blobs(np.zeros((300, 400, 3), np.uint8), points, radius=4)
    faces = Faces(np.array([[100, 50, 300, 250]], np.float32), points[None], np.array([0.9], np.float32))
    (crop,) = faces.align(image, size=size)
    assert crop.shape == (size, size, 3)
    _, _, _, found = cv2.connectedComponentsWithStats((crop[..., 0] > 127).astype(np.uint8))
    centres = sorted(map(tuple, found[1:]))
    expected = sorted(map(tuple, RECOGNITION_TEMPLATE * (size / 112)))
    # Discs are drawn at whole pixels of the image, 1.5 px of which are one pixel of the 112 px crop.
    np.testing.assert_allclose(centres, expected, atol=1.0 * size / 112)


def test_align_takes_landmarks_that_are_part_of_longer_rows() -> None:
    """As those of a result with visibility are, of which x and y are taken."""
    with_visibility = np.concatenate([RECOGNITION_TEMPLATE, np.full((5, 1), 2, np.float32)], axis=1)[None]
    image = np.random.default_rng(0).integers(0, 256, (112, 112, 3), np.uint8)
    faces = Faces(np.zeros((1, 4), np.float32), with_visibility[..., :2], np.ones(1, np.float32))
    np.testing.assert_allclose(faces.align(image)[0].astype(int), image.astype(int), atol=1)


def test_align_of_a_face_without_pose_is_black() -> None:
    crops = empty(1).align(np.full((50, 50, 3), 255, np.uint8))
    assert crops.shape == (1, 112, 112, 3)
    assert not crops.any()


def test_align_of_no_face() -> None:
    assert empty().align(np.zeros((50, 50, 3), np.uint8)).shape == (0, 112, 112, 3)


def test_align_keeps_the_number_of_channels() -> None:
    points = RECOGNITION_TEMPLATE[None]
    faces = Faces(np.zeros((1, 4), np.float32), points, np.ones(1, np.float32))
    image = np.random.default_rng(0).integers(0, 256, (112, 112, 1), np.uint8)
    # The landmarks already lie on the template: the crop is the image.
    np.testing.assert_allclose(faces.align(image)[0].astype(int), image.astype(int), atol=1)
