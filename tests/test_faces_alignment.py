"""Aligned crops of faces, in any image, and the rule of landmarks that they rest on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from some_faces import empty, noise
from umeyama import umeyama

from ultra_face import Faces
from ultra_face.faces import MIRRORED_LANDMARKS
from ultra_face.pictures.alignment import MIDDLE_OF_PIXEL, RECOGNITION_TEMPLATE


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
    with_visibility = np.concatenate([RECOGNITION_TEMPLATE + MIDDLE_OF_PIXEL, np.full((5, 1), 2, np.float32)], axis=1)[
        None
    ]
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
    faces = on_the_template()
    image = np.random.default_rng(0).integers(0, 256, (112, 112, 1), np.uint8)
    # The landmarks already lie on the template: the crop is the image.
    np.testing.assert_allclose(faces.align(image)[0].astype(int), image.astype(int), atol=1)


def on_the_template(num_faces: int = 1, *, scale: float = 1.0) -> Faces:
    """Faces whose landmarks lie on the template: the crop is the image."""
    points = np.repeat(RECOGNITION_TEMPLATE[None] * scale + MIDDLE_OF_PIXEL, num_faces, axis=0)
    return Faces(np.zeros((num_faces, 4), np.float32), points, np.ones(num_faces, np.float32))


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


def test_align_of_a_turned_face_heeds_every_landmark() -> None:
    """A turned head moves the nose towards a cheek; it counts like the other landmarks."""
    points = RECOGNITION_TEMPLATE + np.float32([[0, 0], [0, 0], [20, 0], [0, 0], [0, 0]])
    faces = Faces(np.zeros((1, 4), np.float32), points[None], np.ones(1, np.float32))
    matrix = umeyama(points - MIDDLE_OF_PIXEL, RECOGNITION_TEMPLATE)
    expected = cv2.warpAffine(noise(3), matrix, (112, 112))
    np.testing.assert_array_equal(faces.align(noise(3))[0], expected)


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_a_turned_image_gives_the_crops_of_the_upright_one(turns: int) -> None:
    """Turning swaps no landmarks: each point moves with the image, (x, y) to (y, W - x) at each quarter."""
    image, points = noise(3, side=150), (RECOGNITION_TEMPLATE + MIDDLE_OF_PIXEL + [20, 10]).astype(np.float64)
    expected = Faces(np.zeros((1, 4)), points[None], np.ones(1)).align(image)
    for _ in range(turns):
        image, points = np.rot90(image), np.stack([points[:, 1], image.shape[1] - points[:, 0]], axis=1)
    turned = Faces(np.zeros((1, 4)), points[None], np.ones(1))
    assert np.abs(turned.align(image).astype(int) - expected).max() <= 1


def test_mirroring_swaps_landmarks() -> None:
    """About an upright or a level axis; without the swap the eyes would tell that the face is the other way up."""
    points = RECOGNITION_TEMPLATE.astype(np.float64) + [20, 10]
    for mirrored in (points * [-1, 1] + [149, 0], points * [1, -1] + [0, 149]):
        swapped = Faces(np.zeros((1, 4)), mirrored[None, list(MIRRORED_LANDMARKS)], np.ones(1))
        upright = mirrored[0, 1] < mirrored[3, 1]
        assert abs(swapped.roll[0]) == pytest.approx(0 if upright else 180, abs=1)
        kept = Faces(np.zeros((1, 4)), mirrored[None], np.ones(1))
        assert abs(kept.roll[0]) == pytest.approx(180 if upright else 0, abs=1)


def test_align_to_width_and_height() -> None:
    """The crops of 96 x 112 px are the middle of those of 112 x 112 px."""
    faces, image = on_the_template(2), noise(3)
    narrow = faces.align(image, size=(96, 112))
    assert narrow.shape == (2, 112, 96, 3)
    np.testing.assert_allclose(narrow.astype(int), faces.align(image)[:, :, 8:-8].astype(int), atol=1)
    with pytest.raises(ValueError, match=r"^Faces\.align: expected a size of 1 px or more, got \(96, 0\)"):
        faces.align(image, size=(96, 0))
    with pytest.raises(ValueError, match=r"^Faces\.transforms: expected a size of 1 px or more, got -1"):
        faces.transforms(-1)
