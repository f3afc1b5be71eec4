"""Windows that show doubtful faces with context, no two spent on the same ones."""

from __future__ import annotations

import pytest
import torch
from literal import greedy_cover, random_boxes
from torch import Tensor

from ultra_face.refinement.candidates import Candidates
from ultra_face.refinement.windows import Windows, choose_windows, place_windows, shows

IMAGE = (200, 300)  # height and width [px]
FRAME = {"side": 64, "context": 0.5, "image_hw": IMAGE}


def face(center_x: float, center_y: float, size: float = 16.0) -> list[float]:
    return [center_x - size / 2, center_y - size / 2, center_x + size / 2, center_y + size / 2]


def doubtful(*boxes: list[float], promise: list[float] | None = None) -> Candidates:
    return Candidates(torch.tensor([boxes]), torch.tensor([promise or [0.25] * len(boxes)]))


def used(windows: Windows) -> list[list[float]]:
    """Corners of the windows in use, of one image."""
    return windows.left_top[windows.used].tolist()


def test_five_windows_around_a_box_in_the_middle_of_the_image() -> None:
    places = place_windows(torch.tensor([[face(150, 100)]]), **FRAME)
    # The face is 142..158 x 92..108, with half of 16 px around it 134..166 x 84..116.
    # In the middle: 150 - 32, 100 - 32; in a corner: at 134 or 166 - 64 = 102, and 84 or 116 - 64 = 52.
    assert places.tolist() == [[[118, 68], [134, 84], [134, 52], [102, 84], [102, 52]]]


def test_the_first_windows_have_their_boxes_in_the_middle() -> None:
    boxes = random_boxes(2, 7, seed=0, extent=100) + 64
    places = place_windows(boxes, **FRAME)
    assert places.shape == (2, 5 * 7, 2)
    middle = (boxes[..., :2] + boxes[..., 2:]) / 2
    assert (places[:, :7] + 32 - middle).abs().max() <= 0.5


@pytest.mark.parametrize(
    ("box", "corner"),
    [
        (face(3, 3), [0, 0]),
        (face(299, 100), [300 - 64, 68]),
        (face(150, 199), [118, 200 - 64]),
        (face(-50, 400), [0, 200 - 64]),
    ],
    ids=["left top", "right", "bottom", "outside"],
)
def test_windows_are_moved_into_the_image(box: list[float], corner: list[float]) -> None:
    places = place_windows(torch.tensor([[box]]), **FRAME)
    assert places[0, 0].tolist() == corner
    assert (places >= 0).all()
    assert (places + 64 <= torch.tensor([300, 200])).all()


def test_an_image_smaller_than_a_window_has_one_place() -> None:
    places = place_windows(torch.tensor([[face(20, 30), face(5, 5)]]), side=64, context=0.5, image_hw=(40, 60))
    assert not places.any()


def test_windows_lie_on_whole_pixels() -> None:
    places = place_windows(random_boxes(2, 30, seed=1, extent=250), **FRAME)
    assert torch.equal(places, places.round())


def test_a_window_shows_a_box_with_its_context_or_not_at_all() -> None:
    box = torch.tensor([[face(50, 50)]])  # with half of 16 px: 34..66 in both directions
    corners = torch.tensor([[[34.0, 34], [35, 34], [2, 2], [2, 1], [34, 2]]])
    assert shows(corners, box, **FRAME)[0, :, 0].tolist() == [True, False, True, False, True]


def test_context_ends_with_the_image() -> None:
    # The face touches the left side; there is no context beyond.
    box, corner = torch.tensor([[[0.0, 42, 16, 58]]]), torch.tensor([[[0.0, 20]]])
    assert shows(corner, box, **FRAME).all()
    right, corner = torch.tensor([[[284.0, 42, 300, 58]]]), torch.tensor([[[236.0, 20]]])
    assert shows(corner, right, **FRAME).all()


def test_context_is_measured_in_longest_sides() -> None:
    wide, corner = torch.tensor([[[40.0, 46, 60, 54]]]), torch.tensor([[[20.0, 36]]])
    # Half of 20 px above 46 px is 36 px; one more pixel of context is not there.
    assert shows(corner, wide, side=64, context=0.5, image_hw=IMAGE).all()
    assert not shows(corner, wide, side=64, context=0.55, image_hw=IMAGE).any()


def test_one_window_for_faces_side_by_side() -> None:
    windows = choose_windows(doubtful(face(100, 100), face(116, 100), face(108, 116)), 4, **FRAME)
    assert windows.used.tolist() == [[True, False, False, False]]
    assert windows.left_top.shape == (1, 4, 2)


def test_the_window_that_shows_more_comes_first() -> None:
    candidates = doubtful(face(40, 40), face(200, 100), face(216, 100), promise=[0.25, 0.2, 0.2])
    first, second = used(choose_windows(candidates, 2, **FRAME))
    assert shows(torch.tensor([[first]]), candidates.boxes_xyxy, **FRAME)[0, 0].tolist() == [False, True, True]
    assert second == [40 - 32, 40 - 32]


def test_more_faces_than_windows_leaves_the_least_promising() -> None:
    far_apart = [face(40, 40), face(140, 40), face(240, 40), face(40, 140)]
    candidates = doubtful(*far_apart, promise=[0.1, 0.25, 0.2, 0.15])
    assert used(choose_windows(candidates, 2, **FRAME)) == [[140 - 32, 8], [240 - 32, 8]]


def test_more_windows_than_faces_leaves_windows_unused() -> None:
    windows = choose_windows(doubtful(face(40, 40), face(240, 140)), 16, **FRAME)
    assert windows.used[0].tolist() == [True] * 2 + [False] * 14


def test_nothing_doubtful_uses_nothing() -> None:
    windows = choose_windows(doubtful(face(40, 40), face(240, 140), promise=[0.0, 0.0]), 3, **FRAME)
    assert not windows.used.any()
    assert windows.left_top.isfinite().all()


def test_a_face_that_is_too_large_for_its_context_still_gets_its_window() -> None:
    large = doubtful(face(150, 100, size=60))  # with context 120 px, more than the window's 64
    assert used(choose_windows(large, 1, **FRAME)) == [[150 - 32, 100 - 32]]


def literal_cover(candidates: Candidates, image: int) -> tuple[list[set[int]], list[float]]:
    """Which faces each window shows, by comparing numbers one by one."""
    boxes, places = candidates.boxes_xyxy[image].tolist(), place_windows(candidates.boxes_xyxy, **FRAME)[image].tolist()
    sets = []
    for number, (x, y) in enumerate(places):
        shown = {number} if number < len(boxes) else set()
        for index, (left, top, right, bottom) in enumerate(boxes):
            border = 0.5 * max(right - left, bottom - top)
            across = max(left - border, 0) >= x and min(right + border, IMAGE[1]) <= x + 64
            down = max(top - border, 0) >= y and min(bottom + border, IMAGE[0]) <= y + 64
            if across and down:
                shown.add(index)
        sets.append(shown)
    return sets, candidates.promise[image].tolist()


@pytest.mark.parametrize("count", [1, 4, 30])
def test_greedy_cover_against_literal_loops(count: int) -> None:
    boxes = random_boxes(2, 40, seed=5, extent=180, largest=24).round()
    # Multiples of 1/1024 are counted exactly, so that both sides see the same draws.
    promise = (torch.rand(2, 40, generator=torch.Generator().manual_seed(6)) * 256).round() / 1024
    candidates = Candidates(boxes, promise)
    windows, places = choose_windows(candidates, count, **FRAME), place_windows(boxes, **FRAME)
    for image in range(2):
        sets, values = literal_cover(candidates, image)
        expected = [faces for faces in greedy_cover(sets, values, count) if faces]
        assert int(windows.used[image].sum()) == len(expected)
        covered: set[int] = set()
        for corner, added in zip(windows.left_top[image].tolist(), expected, strict=False):
            (shown, *_) = (sets[place] for place, at in enumerate(places[image].tolist()) if at == corner)
            assert shown - covered == added
            covered |= shown


def test_no_window_is_spent_on_faces_of_another() -> None:
    boxes = random_boxes(1, 60, seed=7, extent=180, largest=20)
    candidates = Candidates(boxes, torch.full((1, 60), 0.25))
    windows = choose_windows(candidates, 60, **FRAME)
    corners = windows.left_top[windows.used]
    assert 1 < len(corners) < 60
    shown = shows(corners[None], boxes, **FRAME)[0]
    assert shown.any(dim=0).all()  # every face has a window
    for number in range(len(corners)):
        before = shown[:number].any(dim=0)
        assert (shown[number] & ~before).any()  # and every window a face of its own


def test_images_of_a_batch_do_not_meet() -> None:
    boxes = random_boxes(3, 20, seed=8, extent=180)
    promise = torch.rand(3, 20, generator=torch.Generator().manual_seed(9)) * 0.25
    promise[1] = 0  # nothing doubtful in the middle image
    together = choose_windows(Candidates(boxes, promise), 5, **FRAME)
    for image in range(3):
        alone = choose_windows(Candidates(boxes[image][None], promise[image][None]), 5, **FRAME)
        assert torch.equal(together.left_top[image], alone.left_top[0])
        assert torch.equal(together.used[image], alone.used[0])


def test_faces_without_a_promise_place_no_windows() -> None:
    # The window around the face in the middle shows both doubtful ones, and would come first.
    faces = doubtful(face(100, 100), face(60, 100, 8), face(140, 100, 8), promise=[0.0, 0.2, 0.2])
    narrow = {**FRAME, "side": 100, "context": 0.0}
    assert shows(place_windows(faces.boxes_xyxy, **narrow)[:, :1], faces.boxes_xyxy, **narrow).all()
    alone = Candidates(faces.boxes_xyxy[:, 1:], faces.promise[:, 1:])
    assert used(choose_windows(faces, 3, **narrow)) == used(choose_windows(alone, 3, **narrow)) != [[50, 50]]


def test_draws_are_settled_in_order() -> None:
    # All five windows of the only face show it; the first has it in the middle.
    assert used(choose_windows(doubtful(face(150, 100)), 1, **FRAME)) == [[118, 68]]


def test_the_smallest_promise_counts() -> None:
    windows = choose_windows(doubtful(face(150, 100), promise=[1e-6]), 1, **FRAME)
    assert windows.used.all()


def test_half_precision() -> None:
    boxes = random_boxes(2, 30, seed=10, extent=180).round()
    promise = (torch.rand(2, 30, generator=torch.Generator().manual_seed(11)) * 64).round() / 256

    def chosen(dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        windows = choose_windows(Candidates(boxes.to(dtype), promise.to(dtype)), 6, **FRAME)
        return windows.left_top.float(), windows.used

    for half, single in zip(chosen(torch.float16), chosen(torch.float32), strict=True):
        assert torch.equal(half, single)
