"""Faces made unrecognisable: how much is left, where, and in which images."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from some_faces import faces_at
from ultralytics.utils import ASSETS

from ultra_face import Faces

Pixels = NDArray[np.uint8]
Hide = Callable[..., Pixels]

SMILEY = np.dstack([np.random.default_rng(3).integers(0, 256, (40, 40, 3)), np.full((40, 40), 255)]).astype(np.uint8)

HIDE: dict[str, Hide] = {
    "blur": Faces.blur,
    "pixelate": Faces.pixelate,
    "fill": Faces.fill,
    "overlay": lambda faces, image, **arguments: faces.overlay(image, SMILEY, **arguments),
}
every_way = pytest.mark.parametrize("hide", HIDE.values(), ids=HIDE)
every_shape = pytest.mark.parametrize("shape", ["ellipse", "box"])

ANCELOTTI = (912, 101, 1053, 283)
"""A face in Ultralytics' photograph zidane.jpg [px]."""


def noise(*channels: int, height: int = 80, width: int = 120) -> Pixels:
    return np.random.default_rng(0).integers(0, 256, (height, width, *channels), np.uint8)


def mask(faces: Faces, image: Pixels, **arguments: Any) -> NDArray[np.bool_]:
    """Where faces are hidden."""
    return faces.fill(np.zeros(image.shape[:2], np.uint8), color=255, **arguments) == 255


def contrast_left(hide: Hide, side: int, shape: str) -> float:
    """Standard deviation of the hidden pixels, as a part of what it was, of a real face of a height of `side` px."""
    factor = side / (ANCELOTTI[3] - ANCELOTTI[1])
    photograph = cv2.imread(str(ASSETS / "zidane.jpg"))
    image = cv2.resize(photograph, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    faces = faces_at(tuple(factor * side for side in ANCELOTTI))
    hidden = mask(faces, image, shape=shape)
    after = hide(faces, image, shape=shape)
    return float(after[hidden].std(axis=0).mean() / image[hidden].std(axis=0).mean())


@every_shape
def test_a_blurred_face_keeps_as_little_at_every_size(shape: str) -> None:
    """A blur of fixed width would keep nearly all of a face of 800 px: 98 % for a kernel of 15 px."""
    left = [contrast_left(Faces.blur, side, shape) for side in (40, 112, 300, 800)]
    assert max(left) < 1 / 3
    assert max(left) - min(left) < 0.02
    fixed = contrast_left(lambda faces, image, **_: cv2.blur(image, (15, 15)), 800, shape)
    assert fixed > 0.95


def test_blocks_grow_with_the_face() -> None:
    """Six colours along the longer side of what is hidden, whatever the size."""
    for side in (40, 112, 300, 800):
        image = np.repeat(np.linspace(0, 255, 2 * side).astype(np.uint8)[:, None], 2 * side, axis=1)
        start = side / 2
        hidden = faces_at((start, start, start + side, start + side)).pixelate(image, shape="box")
        column = hidden[mask(faces_at((start, start, start + side, start + side)), image, shape="box")]
        assert len(np.unique(column)) == 6


def test_more_strength_and_fewer_blocks_leave_less() -> None:
    faces, image = faces_at((30, 20, 90, 60)), cv2.GaussianBlur(noise(3), (0, 0), 3)
    hidden = mask(faces, image)
    blurred = [faces.blur(image, strength=strength)[hidden].std() for strength in (0.02, 0.1, 0.5)]
    pixelated = [faces.pixelate(image, blocks=blocks)[hidden].std() for blocks in (24, 6, 1)]
    assert blurred == sorted(blurred, reverse=True)
    assert pixelated == sorted(pixelated, reverse=True)


@every_way
@every_shape
def test_outside_the_shapes_every_pixel_is_as_before(hide: Hide, shape: str) -> None:
    faces = faces_at((10, 10, 40, 50), (35, 30, 60, 70), (100, 60, 130, 90), (-20, -20, 4, 6))
    image = noise(3)
    hidden = mask(faces, image, shape=shape)
    after = hide(faces, image, shape=shape)
    np.testing.assert_array_equal(after[~hidden], image[~hidden])
    assert (after[hidden] != image[hidden]).any(axis=1).mean() > 0.9
    np.testing.assert_array_equal(image, noise(3))  # the input is untouched


def test_shapes_are_1_3_times_the_box_unless_asked() -> None:
    image, faces = noise(height=200, width=200), faces_at((80, 60, 120, 140))
    # 40 x 80 px about (100, 100): 52 x 104 px, and the ellipse in it has pi / 4 of its area.
    box, ellipse = mask(faces, image, shape="box"), mask(faces, image)
    assert np.argwhere(box).min(axis=0).tolist() == [48, 74]
    assert np.argwhere(box).max(axis=0).tolist() == [151, 125]
    assert box.sum() == 52 * 104
    assert ellipse.sum() == pytest.approx(np.pi / 4 * 52 * 104, rel=0.01)
    assert not (ellipse & ~box).any()
    assert mask(faces, image, shape="box", scale=1).sum() == 40 * 80
    y, x = np.mgrid[:200, :200] + 0.5
    np.testing.assert_array_equal(ellipse, ((x - 100) / 26) ** 2 + ((y - 100) / 52) ** 2 <= 1)


@every_way
@every_shape
@pytest.mark.parametrize(
    "box",
    [
        (50, 40, 55, 45),
        (50, 40, 51, 41),
        (50, 40, 50, 40),
        (50, 40, 50, 70),
        (119, 79, 120, 80),
        (119.5, 0, 120, 80),
        (0, 79.5, 120, 80),
        (-50, -50, 500, 500),
        (-60, 30, 10, 50),
        (118, 70, 190, 140),
        (-0.5, -0.5, 0.5, 0.5),
    ],
)
def test_small_empty_and_overhanging_boxes_are_hidden(hide: Hide, shape: str, box: Any) -> None:
    image = noise(3)
    after, hidden = hide(faces_at(box), image, shape=shape), mask(faces_at(box), image, shape=shape)
    assert hidden.any()
    assert after.shape == image.shape
    np.testing.assert_array_equal(after[~hidden], image[~hidden])


@every_way
@pytest.mark.parametrize("box", [(130, 20, 160, 60), (-90, 20, -30, 60), (20, 200, 60, 260)])
def test_a_box_beside_the_image_changes_nothing(hide: Hide, box: Any) -> None:
    np.testing.assert_array_equal(hide(faces_at(box), noise(3)), noise(3))


@every_way
def test_no_face_changes_nothing(hide: Hide) -> None:
    np.testing.assert_array_equal(hide(faces_at(), noise(3)), noise(3))
    assert not np.shares_memory(hide(faces_at(), image := noise(3)), image)


@every_way
@pytest.mark.parametrize("channels", [(), (1,), (2,), (3,), (4,)], ids=str)
def test_any_channels(hide: Hide, channels: tuple[int, ...]) -> None:
    """Alike in each channel, but for opacity, which fill and overlay make full."""
    image, faces = noise(*channels), faces_at((30, 20, 70, 60))
    after = hide(faces, image)
    assert after.shape == image.shape
    if channels in ((2,), (4,)) and hide in (HIDE["fill"], HIDE["overlay"]):
        assert (after[mask(faces, image), -1] == 255).all()
    if channels and hide in (HIDE["blur"], HIDE["pixelate"]):
        for channel in range(channels[0]):
            np.testing.assert_array_equal(after[..., channel], hide(faces, image[..., channel]))


@every_way
@pytest.mark.parametrize(
    "store",
    [
        np.asfortranarray,
        lambda image: image[..., ::-1].copy()[..., ::-1],
        lambda image: image[::-1].copy()[::-1],
        lambda image: np.repeat(np.repeat(image, 2, axis=0), 2, axis=1)[::2, ::2],
    ],
    ids=["columns first", "channels reversed", "rows reversed", "every second pixel"],
)
@pytest.mark.parametrize("inplace", [False, True])
def test_any_memory_order(hide: Hide, store: Callable[[Pixels], Pixels], inplace: bool) -> None:
    image, faces = store(noise(3)), faces_at((30, 20, 70, 60), (60, 30, 100, 90))
    after = hide(faces, image, inplace=inplace)
    np.testing.assert_array_equal(after, hide(faces, noise(3)))
    assert (after is image) == inplace
    assert (image == noise(3)).all() != inplace


@every_way
def test_a_read_only_image_is_copied_but_not_changed(hide: Hide) -> None:
    image, faces = noise(3), faces_at((30, 20, 70, 60))
    image.flags.writeable = False
    np.testing.assert_array_equal(hide(faces, image), hide(faces, noise(3)))
    with pytest.raises(ValueError, match="expected an image to write to, got a read-only one; leave out inplace"):
        hide(faces, image, inplace=True)


def test_fill_in_colour() -> None:
    faces, image = faces_at((30, 20, 70, 60)), noise(3)
    hidden = mask(faces, image)
    assert (faces.fill(image, color=(1, 2, 3))[hidden] == [1, 2, 3]).all()
    assert (faces.fill(image)[hidden] == 0).all()
    assert (faces.fill(noise(4), color=(1, 2, 3))[hidden] == [1, 2, 3, 255]).all()
    assert (faces.fill(noise(), color=9)[hidden] == 9).all()
    assert (faces.fill(noise(), color=(10, 20, 60))[hidden] == 30).all()  # the mean


@pytest.mark.parametrize("color", [(1, 2), (1, 2, 3, 4), 256, -1, (1, 2, 300)])
def test_another_colour_is_refused(color: Any) -> None:
    with pytest.raises(ValueError, match=r"^Faces\.fill: expected a color of 1 or 3 numbers in 0\.\.255, got "):
        faces_at((30, 20, 70, 60)).fill(noise(3), color=color)


def test_an_overlay_is_stretched_over_each_face() -> None:
    """Each quarter of the picture on its quarter of the face, also of a face of which the image shows a half."""
    quarters = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [9, 9, 9]]], np.uint8)
    picture = np.repeat(np.repeat(quarters, 50, axis=0), 50, axis=1)
    after = faces_at((20, 20, 60, 60), (100, 20, 140, 60)).overlay(noise(3), picture, shape="box", scale=1)
    for x, y, colour in [(25, 25, 0), (55, 25, 1), (25, 55, 2), (55, 55, 3), (105, 25, 0), (105, 55, 2)]:
        np.testing.assert_array_equal(after[y, x], quarters.reshape(4, 3)[colour])


def test_an_overlay_shows_the_face_where_it_is_transparent() -> None:
    picture = np.zeros((50, 50, 4), np.uint8)
    picture[:, 25:] = [10, 20, 30, 255]
    picture[:25, :25] = [100, 100, 100, 127]
    image = np.full((80, 120, 3), 200, np.uint8)
    after = faces_at((20, 20, 70, 70)).overlay(image, picture, shape="box", scale=1)
    assert after[60, 30].tolist() == [200, 200, 200]
    assert after[60, 60].tolist() == [10, 20, 30]
    # 200 + 127 / 255 x (100 - 200) = 150.2
    assert after[30, 30].tolist() == [150, 150, 150]


def test_a_grey_overlay_on_colours_and_a_coloured_one_on_grey() -> None:
    grey = np.full((9, 9), 70, np.uint8)
    coloured = np.full((9, 9, 3), [30, 60, 90], np.uint8)
    faces = faces_at((30, 20, 70, 60))
    hidden = mask(faces, noise(3))
    assert (faces.overlay(noise(3), grey)[hidden] == 70).all()
    assert (faces.overlay(noise(), coloured)[hidden] == 60).all()


@every_way
@pytest.mark.parametrize("scale", [0, -1.0, np.nan])
def test_a_scale_that_is_not_positive_is_refused(hide: Hide, scale: float) -> None:
    with pytest.raises(ValueError, match=r"^Faces\.\w+: expected a scale above 0, got "):
        hide(faces_at(), noise(3), scale=scale)


@every_way
def test_another_shape_is_refused(hide: Hide) -> None:
    with pytest.raises(ValueError, match=r"^Faces\.\w+: expected a shape of ellipse, box, got 'circle'"):
        hide(faces_at(), noise(3), shape="circle")


def test_no_strength_and_no_blocks_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^Faces\.blur: expected a strength above 0, got 0"):
        faces_at().blur(noise(3), strength=0)
    with pytest.raises(ValueError, match=r"^Faces\.pixelate: expected a blocks above 0, got 0"):
        faces_at().pixelate(noise(3), blocks=0)


@every_way
def test_other_images_are_refused(hide: Hide) -> None:
    with pytest.raises(ValueError, match=r"^Faces\.\w+: expected an array \(H, W\) or \(H, W, C\) of uint8, got float"):
        hide(faces_at(), noise(3) / 255)


def test_another_picture_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^Faces\.overlay, the picture: expected an array .* got str"):
        faces_at().overlay(noise(3), "smiley.png")  # type: ignore[arg-type]
