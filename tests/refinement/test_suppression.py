"""Suppression in rounds gives what the greedy loop gives.

CIoU-based suppression against a greedy loop with Ultralytics' CIoU.
"""

from __future__ import annotations

import pytest
import torch
from literal import greedy_nms, random_boxes
from torch import Tensor
from torchvision.ops import nms
from ultralytics.utils.metrics import bbox_iou

from ultra_face.refinement import suppression
from ultra_face.refinement.geometry import pairwise_iou
from ultra_face.refinement.suppression import ROUNDS, suppress_by_ciou, surviving


def chain(length: int) -> torch.Tensor:
    """Overlap (1, N, N) of boxes in a row, each of which touches the next alone."""
    overlap = torch.eye(length)
    for box in range(length - 1):
        overlap[box, box + 1] = overlap[box + 1, box] = 0.6
    return overlap[None]


@pytest.mark.parametrize("threshold", [0.1, 0.3, 0.5, 0.7])
def test_the_fixed_point_is_greedy_suppression(threshold: float) -> None:
    overlap = pairwise_iou(boxes := random_boxes(3, 80, seed=0, extent=60), boxes)
    kept = surviving(overlap, threshold)
    scores = torch.arange(80, 0, -1).float()  # sorted already
    for image in range(3):
        indices = kept[image].nonzero().flatten().tolist()
        assert indices == greedy_nms(overlap[image], threshold) == nms(boxes[image], scores, threshold).tolist()
    assert 0 < kept.sum() < kept.numel()


def test_overlap_equal_to_the_threshold_is_allowed() -> None:
    assert surviving(torch.tensor([[[1.0, 0.5], [0.5, 1.0]]]), 0.5).tolist() == [[True, True]]


def test_a_chain_keeps_every_other_box() -> None:
    # The first drops the second, which can then not drop the third, and so on.
    assert surviving(chain(25), 0.5)[0].tolist() == [box % 2 == 0 for box in range(25)]


def test_fixed_rounds_settle_chains_up_to_their_number() -> None:
    length = ROUNDS + 1
    assert torch.equal(surviving(chain(length), 0.5, rounds=ROUNDS), surviving(chain(length), 0.5))


def test_fixed_rounds_keep_too_much_beyond_and_never_too_little() -> None:
    greedy, fixed = surviving(chain(25), 0.5), surviving(chain(25), 0.5, rounds=ROUNDS)
    assert (fixed >= greedy).all()
    # Each round settles one more box; of those behind, an even number of rounds keeps all.
    assert fixed[0].tolist() == [box % 2 == 0 or box >= ROUNDS for box in range(25)]


def test_fixed_rounds_are_enough_for_boxes_in_a_crowd() -> None:
    overlap = pairwise_iou(boxes := random_boxes(4, 200, seed=1, extent=100), boxes)
    assert torch.equal(surviving(overlap, 0.5, rounds=ROUNDS), surviving(overlap, 0.5))


def test_images_of_a_batch_do_not_meet() -> None:
    overlap = pairwise_iou(boxes := random_boxes(4, 50, seed=2, extent=50), boxes)
    together = surviving(overlap, 0.3)
    torch.testing.assert_close(together, torch.cat([surviving(image[None], 0.3) for image in overlap]))


def test_one_box_stays() -> None:
    assert surviving(torch.ones(2, 1, 1), 0.5).tolist() == [[True], [True]]


def predictions(batch: int, count: int, nc: int = 1, seed: int = 0) -> Tensor:
    """Random boxes, scores and landmarks (B, 4 + nc + 15, N)."""
    boxes = random_boxes(batch, count, seed=seed, extent=60)
    generator = torch.Generator().manual_seed(seed + 1)
    rest = torch.rand(batch, nc + 15, count, generator=generator)
    center, size = (boxes[..., :2] + boxes[..., 2:]) / 2, boxes[..., 2:] - boxes[..., :2]
    return torch.cat([torch.cat([center, size], dim=2).mT, rest], dim=1)


def literal(columns: Tensor, nc: int, threshold: float) -> Tensor:
    """Columns (4 + nc + nk, N), best first, the scores of those that go set to 0."""
    best, label = columns[4 : 4 + nc].max(dim=0)
    order = best.argsort(descending=True)
    columns, label = columns[:, order].clone(), label[order]
    boxes, count = columns[:4].T, len(order)
    pairs = boxes.repeat_interleave(count, 0), boxes.repeat(count, 1)
    overlap = bbox_iou(*pairs, xywh=True, CIoU=True).view(count, count)
    kept: set[int] = set()
    for kind in range(nc):
        of_kind = (label == kind).nonzero().flatten()
        kept |= {int(of_kind[i]) for i in greedy_nms(overlap[of_kind][:, of_kind], threshold)}
    columns[4 : 4 + nc, [i for i in range(count) if i not in kept]] = 0
    return columns


@pytest.mark.parametrize("nc", [1, 3])
@pytest.mark.parametrize("threshold", [0.1, 0.45])
def test_against_the_greedy_loop(threshold: float, nc: int) -> None:
    given = predictions(2, 90, nc)
    got = suppress_by_ciou(given, nc, threshold=threshold)
    expected = torch.stack([literal(image, nc, threshold) for image in given])
    torch.testing.assert_close(got, expected, rtol=0, atol=0)
    gone = got[:, 4 : 4 + nc].amax(1) == 0
    assert 0.05 < gone.float().mean() < 0.95


def test_boxes_with_their_centres_apart_stay_where_iou_drops_them() -> None:
    # Two 10 x 10 boxes, one moved by 3: IoU 70 / 130 = 0.538; CIoU is less by 3^2 / (13^2 + 10^2) = 0.033.
    columns = torch.tensor([[5.0, 8], [5, 5], [10, 10], [10, 10], [0.9, 0.8]])
    columns = torch.cat([columns, torch.zeros(15, 2)])[None]
    assert suppress_by_ciou(columns, 1, threshold=0.50)[0, 4].tolist() == pytest.approx([0.9, 0])
    assert suppress_by_ciou(columns, 1, threshold=0.52)[0, 4].tolist() == pytest.approx([0.9, 0.8])


def test_only_scores_change() -> None:
    given = predictions(1, 40)
    got = suppress_by_ciou(given, 1, threshold=0.3)
    order = given[0, 4].argsort(descending=True)
    assert torch.equal(got[0, :4], given[0, :4, order])
    assert torch.equal(got[0, 5:], given[0, 5:, order])
    assert (got[0, 4] != given[0, 4, order]).any()


@pytest.mark.parametrize(("fixed", "name"), [(False, "LIMIT"), (True, "EXPORTED_LIMIT")])
def test_the_best_columns_are_judged(monkeypatch: pytest.MonkeyPatch, fixed: bool, name: str) -> None:
    monkeypatch.setattr(suppression, name, 10)
    given = predictions(2, 40)
    got = suppress_by_ciou(given, 1, threshold=0.99, fixed=fixed)
    assert got.shape == (2, 20, 10)
    torch.testing.assert_close(got[:, 4], given[:, 4].sort(descending=True).values[:, :10])


def test_predictions_of_no_score_are_left_out() -> None:
    given = predictions(2, 40)
    given[0, 4, 5:], given[1, 4, 3:] = 0, 0
    assert suppress_by_ciou(given, 1, threshold=0.99).shape == (2, 20, 5)
    assert suppress_by_ciou(given, 1, threshold=0.99, fixed=True).shape == (2, 20, 40)


def test_a_fixed_graph_gives_the_same_in_a_crowd() -> None:
    given = predictions(2, 150, seed=5)
    free, fixed = (suppress_by_ciou(given, 1, threshold=0.45, fixed=fixed) for fixed in (False, True))
    torch.testing.assert_close(free, fixed[..., : free.shape[2]])


def test_boxes_are_compared_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    given = predictions(2, 90)
    at_once = suppress_by_ciou(given, 1, threshold=0.3)
    monkeypatch.setattr(suppression, "ROWS_AT_ONCE", 7)
    torch.testing.assert_close(suppress_by_ciou(given, 1, threshold=0.3), at_once, rtol=0, atol=0)


def test_half_precision_drops_a_second_box_on_a_large_face() -> None:
    columns = torch.tensor([[300.0, 304], [300, 300], [400, 400], [400, 400], [0.9, 0.8]])
    columns = torch.cat([columns, torch.zeros(15, 2)])[None].half()
    got = suppress_by_ciou(columns, 1, threshold=0.5)
    assert got.dtype == torch.float16
    assert (got[0, 4] > 0).tolist() == [True, False]
