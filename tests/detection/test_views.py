"""Views of a photograph: what they show, and that every point comes back to where it was."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from ultra_face.detection.views import OVERLAP, Plan, View, tile_starts
from ultra_face.faces import MIRRORED_LANDMARKS, Faces

PHOTOGRAPH_HW = (96, 160)


def points(*rows: tuple[float, float]) -> Faces:
    """A detection whose landmarks are these, in a box around them."""
    landmarks = np.array([rows])
    box = np.concatenate([landmarks[0].min(0), landmarks[0].max(0)])[None]
    return Faces(box, landmarks, np.ones(1))


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("tile", [None, 64])
def test_what_a_view_shows_at_a_pixel_comes_back_to_that_pixel(turns: int, flip: bool, tile: int | None) -> None:
    # The photograph says in each pixel where it is, so the input says what its pixels came from.
    height, width = PHOTOGRAPH_HW
    photograph = np.zeros((height, width, 3), np.uint8)
    photograph[..., 2], photograph[..., 1] = np.meshgrid(np.arange(width), np.arange(height))
    plan = Plan(((192, 192),), tile=tile, turns=(turns,), flip=flip)
    views = plan.views(PHOTOGRAPH_HW)
    assert len(views) == (1 + flip) * (1 if tile is None else 1 + 2 * 3)
    for view in views:
        planes = np.zeros((3, *view.letterbox.input_hw), np.float32)
        view.fill(planes, photograph)
        inside = view.letterbox.left_top
        inner_h, inner_w = view.letterbox.inner_hw
        spots = [(x, y) for x, y in ((0.2, 0.3), (0.7, 0.4), (0.5, 0.5), (0.3, 0.8), (0.6, 0.9))]
        pixels = [(int(inside[0] + x * inner_w), int(inside[1] + y * inner_h)) for x, y in spots]
        back = view.to_photograph(points(*[(x + 0.5, y + 0.5) for x, y in pixels]))
        order = list(MIRRORED_LANDMARKS) if view.mirrored else slice(None)
        shown = np.array([planes[:2, y, x] * 255 for x, y in pixels])[order] + 0.5  # the middle of those pixels
        # Resizing by 1.2 or 3 rounds the values to whole numbers.
        np.testing.assert_allclose(back.landmarks[0], shown, atol=0.75)


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("mirrored", [False, True])
def test_the_pixels_of_a_view_are_turned_counter_clockwise_then_mirrored(turns: int, mirrored: bool) -> None:
    photograph = np.random.default_rng(0).integers(0, 256, (*PHOTOGRAPH_HW, 3), np.uint8)
    codes = {1: cv2.ROTATE_90_COUNTERCLOCKWISE, 2: cv2.ROTATE_180, 3: cv2.ROTATE_90_CLOCKWISE}
    expected = cv2.rotate(photograph, codes[turns]) if turns else photograph
    expected = cv2.flip(expected, 1) if mirrored else expected
    view: View = Plan(((64, 64),), turns=(turns,), flip=True).views(PHOTOGRAPH_HW)[mirrored]
    np.testing.assert_array_equal(view.pixels(photograph), expected)


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("mirrored", [False, True])
def test_a_point_of_the_pixels_comes_back_to_that_pixel(turns: int, mirrored: bool) -> None:
    height, width = PHOTOGRAPH_HW
    photograph = np.zeros((height, width, 3), np.uint8)
    photograph[..., 0], photograph[..., 1] = np.meshgrid(np.arange(width), np.arange(height))
    for view in Plan(((64, 64),), tile=64, turns=(turns,), flip=True).views(PHOTOGRAPH_HW):
        if view.mirrored == mirrored:
            x, y = view.pixels(photograph)[10, 20, :2]
            back = view.pixels_to_photograph(points(*[(20.5, 10.5)] * 5))
            np.testing.assert_allclose(back.landmarks[0], [(x + 0.5, y + 0.5)] * 5)


@pytest.mark.parametrize("side", [32, 100, 640])
@pytest.mark.parametrize("length", [1, 32, 33, 100, 641, 1280, 4000, 4999])
def test_tiles_cover_a_length_and_show_faces_of_the_overlap_whole(side: int, length: int) -> None:
    starts = tile_starts(length, side)
    stops = [min(start + side, length) for start in starts]
    assert (starts[0], stops[-1]) == (0, length)
    assert all(stop - start == min(side, length) for start, stop in zip(starts, stops, strict=True))
    overlaps = [stop - start for stop, start in zip(stops, starts[1:], strict=False)]
    assert all(overlap >= int(OVERLAP * side) for overlap in overlaps)


def test_one_more_pixel_than_a_tile_makes_two() -> None:
    assert tile_starts(640, 640) == [0]
    assert tile_starts(641, 640) == [0, 1]
    # 640 + 480 = 1120 px are reached by two tiles that overlap by a quarter, 160 px.
    assert tile_starts(1120, 640) == [0, 480]
    assert tile_starts(1121, 640) == [0, 240, 481]


def windows(plan: Plan, photograph_hw: tuple[int, int]) -> list[tuple[int, ...]]:
    return [tuple(view.window) for view in plan.views(photograph_hw)]


def test_auto_cuts_tiles_of_the_inputs_size_beyond_twice_that() -> None:
    plan = Plan(((640, 640),), tile="auto")
    assert windows(plan, (960, 1280)) == [(0, 0, 1280, 960)]
    tiles = windows(plan, (960, 1281))[1:]
    assert {tile[2:] for tile in tiles} == {(640, 640)}
    assert len(tiles) == len(tile_starts(960, 640)) * len(tile_starts(1281, 640)) == 2 * 3


def test_tiles_of_a_panorama_are_as_high_as_it_is() -> None:
    assert windows(Plan(((64, 64),), tile=100), (50, 175)) == [(0, 0, 175, 50), (0, 0, 100, 50), (75, 0, 100, 50)]


def test_scales_show_the_whole_and_every_view_is_turned_and_mirrored() -> None:
    plan = Plan(((64, 64), (128, 128)), tile=90, turns=(0, 3), flip=True)
    views = plan.views((96, 160))
    assert len(views) == 2 * 2 * (2 + 2 * 3)
    assert [view.letterbox.input_hw for view in views[:3]] == [(64, 64), (96, 128), (64, 64)]
    # Turned, 96 x 160 px are 160 x 96.
    assert views[-8].letterbox.image_hw == (160, 96)


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ((70, 50, 90, 70), False),
        ((91, 50, 111, 70), True),  # 1 px from the right edge, at x = 112; of 20 px the margin is 2
        ((89, 50, 109, 70), False),
        ((60, 76, 80, 96), False),  # at the lower edge, which is the photograph's
        ((40, 50, 60, 70), True),  # over the left edge
        ((70, 33, 90, 53), True),
    ],
)
def test_only_inner_edges_of_a_tile_cut_faces(box: tuple[int, ...], expected: bool) -> None:
    view = Plan(((64, 64),), tile=64).views((96, 160))[-2]
    assert tuple(view.window) == (48, 32, 64, 64)
    found = Faces(np.array([box], float), np.zeros((1, 5, 2)), np.ones(1))
    assert view.is_cut(found).tolist() == [expected]
