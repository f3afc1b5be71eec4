"""Which boxes of stage one deserve a second look.

Windows that show doubtful faces with context, no two spent on the same ones.
"""

from __future__ import annotations

import pytest
import torch
from literal import greedy_cover, greedy_nms, random_boxes
from torch import Tensor
from torchvision.ops import box_iou

from ultra_face.refinement import windows
from ultra_face.refinement.windows import Candidates, Windows, choose_windows, find_candidates, place_windows, shows

CHOICE = {"doubt": (0.1, 0.6), "max_face": 32.0}


def row(*sides: float) -> Tensor:
    """Squares of these sides (1, N, 4), 100 px apart."""
    return torch.tensor([[[100.0 * i, 0, 100 * i + side, side] for i, side in enumerate(sides)]])


def promises(boxes: Tensor, scores: list[float]) -> dict[float, float]:
    """What is promised, by the left side of the box, zeros left out."""
    found = find_candidates(boxes, torch.tensor([scores]), **CHOICE)
    pairs = zip(found.boxes_xyxy[0, :, 0].tolist(), found.promise[0].tolist(), strict=True)
    return {left: round(promise, 6) for left, promise in pairs if promise}


def test_the_promise_is_the_variance_of_a_doubtful_face() -> None:
    # 0.1 x 0.9, 0.5 x 0.5, 0.59 x 0.41
    assert promises(row(10, 10, 10), [0.1, 0.5, 0.59]) == {0: 0.09, 100: 0.25, 200: 0.2419}


def test_confident_faces_and_background_promise_nothing() -> None:
    assert promises(row(10, 10, 10, 10), [0.6, 0.99, 0.0999, 0.0]) == {}


def test_only_small_faces_count_by_their_longest_side() -> None:
    assert promises(row(31, 32, 33), [0.5, 0.5, 0.5]).keys() == {0, 100}
    flat = torch.tensor([[[0.0, 0, 40, 10]]])
    assert promises(flat, [0.5]) == {}


def test_one_face_counts_once_with_its_best_box() -> None:
    # 10 x 10 and the same moved by 2: IoU 80 / 120, above 0.5; moved by 4: 60 / 140, below.
    boxes = torch.tensor([[[0.0, 0, 10, 10], [2, 0, 12, 10], [104, 0, 114, 10], [100, 0, 110, 10]]])
    assert promises(boxes, [0.2, 0.5, 0.3, 0.3]).keys() == {2, 100, 104}


def test_a_doubtful_box_on_a_confident_face_is_no_doubt() -> None:
    boxes = torch.tensor([[[0.0, 0, 10, 10], [2, 0, 12, 10]]])
    assert promises(boxes, [0.9, 0.5]) == {}


def test_no_face_at_all() -> None:
    found = find_candidates(random_boxes(2, 20, seed=0), torch.zeros(2, 20), **CHOICE)
    assert not found.promise.any()


def test_against_loops_over_random_boxes() -> None:
    boxes = random_boxes(3, 120, seed=1, extent=80, largest=45)
    scores = torch.rand(3, 120, generator=torch.Generator().manual_seed(2))
    found = find_candidates(boxes, scores, **CHOICE)
    assert (found.promise > 0).sum() > 30
    for image in range(3):
        order = scores[image].argsort(descending=True)
        small = [i for i in order.tolist() if float((boxes[image, i, 2:] - boxes[image, i, :2]).max()) <= 32]
        kept = greedy_nms(box_iou(boxes[image, small], boxes[image, small]), 0.5)
        doubtful = [small[i] for i in kept if 0.1 <= scores[image, small[i]] < 0.6]
        expected = {tuple(boxes[image, i].tolist()): float(scores[image, i] * (1 - scores[image, i])) for i in doubtful}
        some = found.promise[image] > 0
        boxes_of = map(tuple, found.boxes_xyxy[image, some].tolist())
        got = dict(zip(boxes_of, found.promise[image, some].tolist(), strict=True))
        assert got == pytest.approx(expected)


def test_those_that_promise_most_come_first_and_the_rest_is_left_out() -> None:
    boxes = row(*[10] * 9)
    scores = torch.tensor([[0.11, 0.12, 0.13, 0.14, 0.5, 0.4, 0.59, 0.9, 0.99]])
    found = find_candidates(boxes, scores, **CHOICE, limit=3)
    assert found.boxes_xyxy[0, :, 0].tolist() == [400, 600, 500]  # 0.25, 0.2419, 0.24
    assert found.promise.shape == (1, 3)


def test_fewer_boxes_than_the_limit() -> None:
    found = find_candidates(row(10, 10), torch.tensor([[0.5, 0.3]]), **CHOICE)
    assert found.boxes_xyxy.shape == (1, 2, 4)


def test_doubtful_faces_are_seen_beside_many_boxes_on_confident_ones() -> None:
    # 500 boxes answer for one sure face, as anchors do; behind them comes a doubtful one.
    sure = torch.tensor([0.0, 0, 10, 10]).expand(1, 500, 4)
    boxes = torch.cat([sure, row(10) + 50], dim=1)
    found = find_candidates(boxes, torch.tensor([[0.9] * 500 + [0.3]]), **CHOICE)
    assert found.promise.sum() == pytest.approx(0.3 * 0.7)
    assert windows.LOOKED_AT > 500


def test_a_fixed_number_of_candidates_are_the_same_and_empty_ones() -> None:
    boxes, scores = random_boxes(2, 300, seed=5), torch.rand(2, 300, generator=torch.Generator().manual_seed(6)) ** 4
    free, fixed = (find_candidates(boxes, scores, **CHOICE, fixed=fixed) for fixed in (False, True))
    count = free.promise.shape[1]
    assert (fixed.promise.shape[1], count) == (windows.LIMIT, int((free.promise > 0).sum(1).max()))
    assert torch.equal(fixed.promise[:, :count], free.promise)
    assert not fixed.promise[:, count:].any()
    some = free.promise > 0
    assert torch.equal(fixed.boxes_xyxy[:, :count][some], free.boxes_xyxy[some])


def test_half_precision() -> None:
    boxes, scores = random_boxes(2, 60, seed=3), torch.rand(2, 60, generator=torch.Generator().manual_seed(4))
    # Scores and places that half precision holds too, so that both see the same.
    boxes, scores = boxes.round(), (scores * 256).round() / 256
    single, half = find_candidates(boxes, scores, **CHOICE), find_candidates(boxes.half(), scores.half(), **CHOICE)
    assert half.promise.dtype == torch.float16
    torch.testing.assert_close(half.promise.float(), single.promise, rtol=0, atol=1e-3)


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


def test_windows_half_precision() -> None:
    boxes = random_boxes(2, 30, seed=10, extent=180).round()
    promise = (torch.rand(2, 30, generator=torch.Generator().manual_seed(11)) * 64).round() / 256

    def chosen(dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        windows = choose_windows(Candidates(boxes.to(dtype), promise.to(dtype)), 6, **FRAME)
        return windows.left_top.float(), windows.used

    for half, single in zip(chosen(torch.float16), chosen(torch.float32), strict=True):
        assert torch.equal(half, single)
