"""The best anchors of each face, against a literal loop over the faces."""

from __future__ import annotations

import math

import pytest
import torch

from ultra_face.losses.simota import matching_cost, rank_within, simota


def literal_simota(
    face: list[int], slot: list[int], overlap: list[float], cost: list[float], candidates: int
) -> list[bool]:
    kept = [False] * len(face)
    for wanted in set(face):
        own = [index for index, other in enumerate(face) if other == wanted]
        best = sorted((overlap[index] for index in own), reverse=True)[:candidates]
        k = max(math.floor(sum(best)), 1)
        for index in sorted(own, key=cost.__getitem__)[:k]:
            kept[index] = True
    for contested in set(slot):
        own = [index for index, other in enumerate(slot) if other == contested and kept[index]]
        for index in own:
            kept[index] = cost[index] == min(cost[other] for other in own)
    return kept


@pytest.mark.parametrize("seed", range(5))
def test_against_the_literal_loop(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    face, slot = (torch.randint(count, (60,), generator=generator) for count in (6, 25))
    overlap, cost = (torch.rand(60, generator=generator) for _ in range(2))
    kept = simota(face, slot, overlap, cost, candidates=5)
    assert kept.tolist() == literal_simota(face.tolist(), slot.tolist(), overlap.tolist(), cost.tolist(), 5)
    assert 0 < int(kept.sum()) < 60


def test_many_candidates_that_are_all_perfect_stay() -> None:
    face, slot = torch.tensor([0, 0, 0, 1, 1]), torch.arange(5)
    assert simota(face, slot, torch.ones(5), torch.rand(5), candidates=5).all()


def test_no_positives() -> None:
    none = torch.zeros(0, dtype=torch.long)
    assert simota(none, none, torch.zeros(0), torch.zeros(0), candidates=10).tolist() == []


def test_cost_by_hand() -> None:
    # sqrt(0.25) = 0.5 for the right class and sqrt(0.01) = 0.1 for the wrong one; overlap e^-1 costs 3.
    cost = matching_cost(torch.tensor([math.exp(-1)]), torch.tensor([[0.25, 0.01]]), torch.tensor([[1.0, 0.0]]))
    assert float(cost) == pytest.approx(-math.log(0.5) - math.log(0.9) + 3, rel=1e-5)


def test_places_within_groups() -> None:
    group, values = torch.tensor([1, 0, 1, 0, 1]), torch.tensor([3.0, 5.0, 1.0, 4.0, 2.0])
    assert rank_within(group, values).tolist() == [2, 1, 0, 0, 1]
