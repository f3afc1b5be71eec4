"""Faces, the value object that results turn into."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from ultralytics import YOLO
from ultralytics.engine.results import Results

from ultra_face import Faces
from ultra_face.faces import RECOGNITION_TEMPLATE, similarity


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


@pytest.mark.parametrize("channels", [(), (1,), (3,), (4,)])
def test_align_of_no_face(channels: tuple[int, ...]) -> None:
    assert empty().align(np.zeros((50, 50, *channels), np.uint8)).shape == (0, 112, 112, *channels)


def test_align_keeps_the_number_of_channels() -> None:
    points = RECOGNITION_TEMPLATE[None]
    faces = Faces(np.zeros((1, 4), np.float32), points, np.ones(1, np.float32))
    image = np.random.default_rng(0).integers(0, 256, (112, 112, 1), np.uint8)
    # The landmarks already lie on the template: the crop is the image.
    np.testing.assert_allclose(faces.align(image)[0].astype(int), image.astype(int), atol=1)


def on_the_template(num_faces: int = 1, *, scale: float = 1.0) -> Faces:
    """Faces whose landmarks lie on the template: the crop is the image."""
    points = np.repeat(RECOGNITION_TEMPLATE[None] * scale, num_faces, axis=0)
    return Faces(np.zeros((num_faces, 4), np.float32), points, np.ones(num_faces, np.float32))


def noise(*channels: int, side: int = 112) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (side, side, *channels), np.uint8)


def test_align_of_a_grey_image_gives_grey_crops() -> None:
    crops = on_the_template(2).align(noise())
    assert crops.shape == (2, 112, 112)
    np.testing.assert_allclose(crops[1].astype(int), noise().astype(int), atol=1)


def test_align_treats_each_channel_alike() -> None:
    image, faces = noise(4, side=150), on_the_template(scale=1.2)
    for channel in range(4):
        np.testing.assert_array_equal(faces.align(image)[..., channel], faces.align(image[..., channel]))


def as_read_only(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    image = image.copy()
    image.flags.writeable = False
    return image


@pytest.mark.parametrize(
    "store",
    [
        as_read_only,
        np.asfortranarray,
        lambda image: image[..., ::-1].copy()[..., ::-1],  # as a BGR image is turned into RGB
        lambda image: np.repeat(np.repeat(image, 2, axis=0), 2, axis=1)[::2, ::2],
        lambda image: image[::-1].copy()[::-1],
    ],
    ids=["read-only", "columns first", "channels reversed", "every second pixel", "rows reversed"],
)
def test_align_does_not_mind_how_the_pixels_are_stored(store: Callable[[NDArray[np.uint8]], Any]) -> None:
    image, faces = noise(3, side=150), on_the_template(scale=1.2)
    np.testing.assert_array_equal(faces.align(store(image)), faces.align(image))


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (Image.new("RGB", (50, 50)), r"got Image; pass result\.orig_img, or numpy\.asarray\(image\) of a PIL image"),
        (torch.zeros(50, 50, 3, dtype=torch.uint8), r"got Tensor; pass result\.orig_img"),
        ([[0, 0], [0, 0]], "got list; pass"),
        ("a.jpg", "got str; pass"),
        (np.zeros((50, 50, 3), np.float32), r"got float32; scale it to 0\.\.255 and convert it with astype"),
        (np.zeros((50, 50, 3), np.uint16), "got uint16; scale it"),
        (np.zeros((50, 50), np.bool_), "got bool; scale it"),
        (np.zeros((1, 50, 50, 3), np.uint8), r"got shape \(1, 50, 50, 3\); pass one image, its 1 to 4 channels last"),
        (np.zeros((3, 50, 50), np.uint8), r"got shape \(3, 50, 50\); pass one image"),
        (np.zeros((50, 50, 0), np.uint8), r"got shape \(50, 50, 0\)"),
        (np.zeros((0, 50, 3), np.uint8), r"got shape \(0, 50, 3\)"),
        (np.zeros(50, np.uint8), r"got shape \(50,\)"),
    ],
)
@pytest.mark.parametrize("num_faces", [0, 1])
def test_align_refuses_other_images_with_or_without_a_face(image: Any, message: str, num_faces: int) -> None:
    with pytest.raises(
        ValueError, match=rf"^Faces\.align: expected an array \(H, W\) or \(H, W, C\) of uint8, {message}"
    ):
        on_the_template(num_faces).align(image)


def test_align_refuses_a_size_without_pixels() -> None:
    with pytest.raises(ValueError, match=r"^Faces\.align: expected a size of 1 px or more, got 0"):
        on_the_template().align(noise(3), size=0)


def least_squares(source: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float64]:
    """An oracle: x' = a x - b y + c and y' = b x + a y + d as linear equations in a, b, c, d, solved by NumPy."""
    x, y = source.T
    one, zero = np.ones_like(x), np.zeros_like(x)
    equations = np.concatenate([np.stack([x, -y, one, zero], axis=1), np.stack([y, x, zero, one], axis=1)])
    (a, b, c, d), *_ = np.linalg.lstsq(equations, target.T.ravel(), rcond=None)
    return np.array([[a, -b, c], [b, a, d]])


def face_at_random(seed: int) -> NDArray[np.float64]:
    """Five points about the template, turned, scaled, moved, and each displaced by some 10 px."""
    chance = np.random.default_rng(seed)
    turn, scale = chance.uniform(0, 2 * np.pi), chance.uniform(0.1, 5)
    rotation = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return (RECOGNITION_TEMPLATE + chance.normal(0, 10, (5, 2))) @ rotation.T + chance.uniform(0, 500, 2)


@pytest.mark.parametrize("seed", range(8))
def test_similarity_is_the_least_squares_one(seed: int) -> None:
    points = face_at_random(seed)
    np.testing.assert_allclose(similarity(points, RECOGNITION_TEMPLATE), least_squares(points, RECOGNITION_TEMPLATE))


@pytest.mark.filterwarnings("ignore:.*estimate. is deprecated:FutureWarning")  # its successor is younger than our range
@pytest.mark.parametrize("mirrored", [False, True])
def test_similarity_is_umeyamas(mirrored: bool) -> None:
    transform = pytest.importorskip("skimage.transform").SimilarityTransform()
    points = face_at_random(0) * ([-1, 1] if mirrored else [1, 1])
    transform.estimate(points, RECOGNITION_TEMPLATE.astype(float))
    found = similarity(points, RECOGNITION_TEMPLATE)
    np.testing.assert_allclose(found, transform.params[:2])
    assert np.linalg.det(found[:, :2]) > 0  # no reflection, which would fit the mirrored points better


def test_align_of_a_turned_face_heeds_every_landmark() -> None:
    """A turned head moves the nose towards a cheek; it counts like the other landmarks."""
    points = RECOGNITION_TEMPLATE + np.float32([[0, 0], [0, 0], [20, 0], [0, 0], [0, 0]])
    faces = Faces(np.zeros((1, 4), np.float32), points[None], np.ones(1, np.float32))
    expected = cv2.warpAffine(noise(3), least_squares(points.astype(float), RECOGNITION_TEMPLATE), (112, 112))
    np.testing.assert_array_equal(faces.align(noise(3))[0], expected)


def test_points_that_fall_together_or_are_unknown_have_no_similarity() -> None:
    for value in (17.3, np.nan):
        assert similarity(np.full((5, 2), value, np.float32), RECOGNITION_TEMPLATE) is None
