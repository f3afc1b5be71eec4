"""Suppression in rounds gives what the greedy loop gives."""

from __future__ import annotations

import pytest
import torch
from literal import greedy_nms, random_boxes
from torchvision.ops import nms

from ultra_face.refinement.overlap import pairwise_iou
from ultra_face.refinement.suppression import ROUNDS, surviving


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
