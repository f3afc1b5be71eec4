"""Drawn faces: what is drawn where, at any size, in any image."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from some_faces import IMAGE_SIZE, faces_at, some_faces

from ultra_face.pictures.alignment import RECOGNITION_TEMPLATE
from ultra_face.pictures.drawing import BOX_COLOUR, LANDMARK_COLOURS

Pixels = NDArray[np.uint8]


def black(*channels: int, size: tuple[int, int] = IMAGE_SIZE) -> Pixels:
    return np.zeros((size[1], size[0], *channels), np.uint8)


def test_boxes_and_known_landmarks_are_drawn_in_their_colours() -> None:
    image = black(3)
    drawn = some_faces().draw(image, scores=False)
    assert not image.any()
    assert drawn[76, 180].tolist() == [*BOX_COLOUR]  # the lower edge of the second face
    for (x, y), colour in zip(RECOGNITION_TEMPLATE.round().astype(int), LANDMARK_COLOURS, strict=True):
        assert drawn[y, x].tolist() == [*colour]
    assert drawn[215, 260].tolist() == [0, 0, 0]  # the middle of the third face, of which no landmark is known


def test_each_part_can_be_left_out() -> None:
    faces, image = some_faces(), black(3)
    assert not faces.draw(image, boxes=False, landmarks=False, scores=False).any()
    boxes, landmarks, scores = (
        faces.draw(image, **{**dict.fromkeys(("boxes", "landmarks", "scores"), False), part: True}).any(axis=2)
        for part in ("boxes", "landmarks", "scores")
    )
    assert boxes[112, 56]
    assert not boxes[52, 38]
    assert landmarks[52, 38]
    assert not landmarks[112, 56]
    assert scores.any()
    assert not scores[112, 56]


def ink(drawn: Pixels) -> int:
    return int((drawn > 0).any(axis=2).sum())


def test_labels_tell_score_and_track_id() -> None:
    """A label with an id is wider; another score is written in other digits on a label of the same width."""
    image, face = black(3), some_faces()[[1]]
    only = {"boxes": False, "landmarks": False}
    with_id = face.draw(image, **only)
    without = some_faces(track_ids=None)[[1]].draw(image, **only)
    other = replace(some_faces(track_ids=None)[[1]], scores=np.array([0.44])).draw(image, **only)
    assert ink(with_id) > 1.2 * ink(without)
    assert (other != without).any()


def test_a_label_lies_inside_the_image_and_not_over_a_far_smaller_face() -> None:
    image = black(3, size=(200, 100))
    only = {"boxes": False, "landmarks": False}
    for box in ((150, -20, 199, 60), (0, 0, 60, 60), (180, 50, 240, 90)):
        rows, columns = np.nonzero(faces_at(box).draw(image, **only).any(axis=2))
        # A whole label: at least 9 px of digits and a margin of 3 px on each side.
        assert np.ptp(rows) + 1 >= 13
        assert np.ptp(columns) + 1 >= 20
    assert not faces_at((50, 50, 60, 60)).draw(image, **only).any()


@pytest.mark.parametrize("factor", [1, 4, 16])
def test_lines_points_and_letters_grow_with_the_image(factor: int) -> None:
    """In a picture shown at one size they look alike: the part of it that is drawn stays about the same."""
    faces = faces_at((100 * factor, 60 * factor, 200 * factor, 180 * factor))
    drawn = faces.draw(black(3, size=(320 * factor, 240 * factor)))
    assert 0.005 < ink(drawn) / drawn[..., 0].size < 0.03
    rows = np.flatnonzero(drawn[: 60 * factor - 4 * factor].any(axis=(1, 2)))  # the label above the box
    assert len(rows) >= 6 * factor


@pytest.mark.parametrize("channels", [(), (1,), (2,), (3,), (4,)], ids=str)
@pytest.mark.parametrize("inplace", [False, True])
def test_any_channels(channels: tuple[int, ...], inplace: bool) -> None:
    image = black(*channels)
    drawn = some_faces().draw(image, inplace=inplace)
    assert drawn.shape == image.shape
    assert drawn.any()
    assert (drawn is image) == inplace
    if channels in ((2,), (4,)):
        assert set(np.unique(drawn[..., -1])) >= {0, 255}  # what is drawn is opaque


@pytest.mark.parametrize(
    "store", [np.asfortranarray, lambda i: i[..., ::-1].copy()[..., ::-1], lambda i: i[::-1].copy()[::-1]]
)
@pytest.mark.parametrize("inplace", [False, True])
def test_any_memory_order(store: Any, inplace: bool) -> None:
    image = store(black(3))
    drawn = some_faces().draw(image, inplace=inplace)
    np.testing.assert_array_equal(drawn, some_faces().draw(black(3)))
    assert image.any() == inplace


@pytest.mark.parametrize(
    "box",
    [(5, 5, 5, 5), (-50, -50, 900, 900), (319, 239, 320, 240), (400, 300, 500, 400), (1e7, 0, 2e7, 9), (3, 3, 8, 8)],
)
def test_boxes_at_and_beyond_the_border(box: Any) -> None:
    assert faces_at(box).draw(black(3)).shape == (240, 320, 3)


def test_no_face_draws_nothing() -> None:
    assert not some_faces()[:0].draw(black(3)).any()


def test_a_read_only_image_is_not_drawn_into() -> None:
    image = black(3)
    image.flags.writeable = False
    assert some_faces().draw(image).any()
    with pytest.raises(ValueError, match=r"^Faces\.draw: expected an image to write to, got a read-only one"):
        some_faces().draw(image, inplace=True)
