"""Aligned crops: the similarity behind them, their sizes, their way back, and how sharp they are."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from umeyama import umeyama

from ultra_face.pictures.alignment import RECOGNITION_TEMPLATE, align, sharpness, similarity, transforms


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


def test_points_that_fall_together_or_are_unknown_have_no_similarity() -> None:
    for value in (17.3, np.nan):
        assert np.isnan(similarity(np.full((5, 2), value, np.float32), RECOGNITION_TEMPLATE)).all()


@pytest.mark.parametrize("seed", range(50))
def test_similarity_is_the_one_of_the_singular_value_decomposition(seed: int) -> None:
    """In pixels of the crop, for mirrored points too, which a reflection would fit better."""
    for points in (face_at_random(seed), face_at_random(seed) * [-1, 1]):
        found = similarity(points, RECOGNITION_TEMPLATE)
        expected = umeyama(points, RECOGNITION_TEMPLATE)
        with_one = np.concatenate([points, np.ones((5, 1))], axis=1)
        np.testing.assert_allclose(with_one @ found.T, with_one @ expected.T, atol=1e-4)
        assert np.linalg.det(found[:, :2]) > 0


def test_many_faces_at_once_give_what_each_gives_alone() -> None:
    points = np.stack([face_at_random(0), np.full((5, 2), np.nan), face_at_random(1)])
    found = similarity(points, RECOGNITION_TEMPLATE)
    np.testing.assert_array_equal(found, [similarity(one, RECOGNITION_TEMPLATE) for one in points])
    assert np.isnan(found[1]).all()
    assert similarity(points[:0], RECOGNITION_TEMPLATE).shape == (0, 2, 3)


def moved(points: NDArray[np.float64], matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    return points @ matrix[:, :2].T + matrix[:, 2]


def test_the_template_fills_the_height_and_stands_in_the_middle() -> None:
    """The crops of 96 x 112 px of SphereFace cut 8 px off either side of those of 112 x 112 px."""
    points = face_at_random(3)
    square, narrow, large, wide = (
        moved(points, transforms(points[None], size)[0]) for size in ((112, 112), (96, 112), (224, 224), (300, 224))
    )
    np.testing.assert_allclose(narrow, square - [8, 0])
    np.testing.assert_allclose(large, square * 2)
    np.testing.assert_allclose(wide, square * 2 + [38, 0])


def test_a_crop_comes_back_to_its_place() -> None:
    noise = cv2.GaussianBlur(np.random.default_rng(0).random((200, 240, 3)), (0, 0), 6)
    smooth = np.rint(255 * (noise - noise.min()) / np.ptp(noise)).astype(np.uint8)
    angle = np.deg2rad(25)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = ((RECOGNITION_TEMPLATE - 56) @ turn.T + [120, 100])[None]
    (crop,), (matrix,) = align(smooth, points, (112, 112)), transforms(points, (112, 112))
    inverse = cv2.WARP_INVERSE_MAP | cv2.INTER_LINEAR
    back = cv2.warpAffine(crop, matrix, (240, 200), flags=inverse)
    inner = np.pad(np.full((108, 108), 255, np.uint8), 2)  # the last pixels mix with what lies beyond
    inside = cv2.warpAffine(inner, matrix, (240, 200), flags=inverse) == 255
    assert inside.sum() > 11_000  # of 108^2 = 11,664 px
    assert np.abs(back.astype(int) - smooth)[inside].max() <= 3  # interpolated and rounded twice


FACE = (
    RECOGNITION_TEMPLATE[None] + 0.5
)  # landmarks count from the corner of the first pixel, the template from its middle


def pattern(side: int = 112) -> NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 256, (side, side, 3), np.uint8)


def test_sharpness_is_the_variance_of_the_laplacian() -> None:
    """On the template the crop is the image; here a checkerboard of single pixels about 100, by 20.

    The kernel 1, 1, -4, 1, 1 gives -8 times the deviation, as all four neighbours deviate the other way: 64 x 20^2.
    OpenCV reflects at the border, where the neighbours deviate the other way too.
    """
    y, x = np.mgrid[:112, :112]
    board = np.where((x + y) % 2, 120, 80).astype(np.uint8)
    assert sharpness(board, FACE)[0] == pytest.approx(64 * 20**2, rel=0.01)  # the warp rounds landmarks to 1/32 px


def test_the_more_blurred_the_less_sharp() -> None:
    found = [sharpness(cv2.GaussianBlur(pattern(), (0, 0), sigma), FACE)[0] for sigma in (0.5, 1, 2, 4)]
    assert found == sorted(found, reverse=True)


def test_sharpness_does_not_depend_on_the_order_of_colours_or_on_an_alpha_channel() -> None:
    image = pattern()
    with_alpha = np.concatenate([image, np.random.default_rng(2).integers(0, 256, (112, 112, 1), np.uint8)], axis=2)
    expected = sharpness(image, FACE)
    np.testing.assert_allclose(sharpness(image[..., ::-1], FACE), expected)
    np.testing.assert_allclose(sharpness(with_alpha, FACE), expected)


def test_the_border_of_the_image_is_not_sharp() -> None:
    """Half of the crop lies beyond the image, which is all white."""
    beside = FACE - [56, 0]
    assert align(np.full((112, 112), 255, np.uint8), beside, (112, 112))[0, :, :50].max() == 0
    assert sharpness(np.full((112, 112), 255, np.uint8), beside)[0] == 0


def test_a_face_without_landmarks_is_not_sharp() -> None:
    np.testing.assert_array_equal(sharpness(pattern(), np.full((2, 5, 2), np.nan)), [0, 0])
    assert sharpness(pattern(), np.zeros((0, 5, 2))).shape == (0,)
