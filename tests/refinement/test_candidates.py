"""Which boxes of stage one deserve a second look."""

from __future__ import annotations

import pytest
import torch
from literal import greedy_nms, random_boxes
from torch import Tensor
from torchvision.ops import box_iou

from ultra_face.refinement import candidates
from ultra_face.refinement.candidates import find_candidates

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
    assert candidates.LOOKED_AT > 500


def test_a_fixed_number_of_candidates_are_the_same_and_empty_ones() -> None:
    boxes, scores = random_boxes(2, 300, seed=5), torch.rand(2, 300, generator=torch.Generator().manual_seed(6)) ** 4
    free, fixed = (find_candidates(boxes, scores, **CHOICE, fixed=fixed) for fixed in (False, True))
    count = free.promise.shape[1]
    assert (fixed.promise.shape[1], count) == (candidates.LIMIT, int((free.promise > 0).sum(1).max()))
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
