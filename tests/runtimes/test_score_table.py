"""Scores by precision: how they are measured, asked for, stored and read."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from ultra_face.runtimes.score_table import ScoreTable

TABLE = ScoreTable(((0.9, 0.3, 0.95), (0.99, 0.8, 0.7)), images=7, faces=70, imgsz=640, data="some photographs")


def measured(scores: Any, right: Any) -> ScoreTable:
    scores, right = np.asarray(scores, float), np.asarray(right, bool)
    return ScoreTable.measure(scores, right, images=1, faces=200, imgsz=640, data="drawn")


def test_the_least_score_of_a_precision() -> None:
    # 100 right boxes of 0.9, 25 wrong ones of 0.5 and 75 wrong ones of 0.1: above 0.5 all are right, above 0.1 80 %.
    table = measured([0.9] * 100 + [0.5] * 25 + [0.1] * 75, [True] * 100 + [False] * 100)
    scores = {precision: score for precision, score, _ in table.rows}
    assert (scores[0.5], scores[0.6], scores[0.8]) == (0.02, 0.1, 0.1)
    assert scores[0.9] == scores[0.999] == 0.5
    assert {recall for *_, recall in table.rows} == {0.5}  # 100 of 200 faces


def test_the_precision_of_a_score_is_what_its_boxes_have() -> None:
    """Of the very boxes that the table was measured on, at least the share that was asked for is right."""
    random = np.random.default_rng(0)
    scores = random.uniform(0.05, 1, 5000)
    right = random.uniform(0, 1, 5000) < scores
    table = measured(scores, right)
    for precision, score, recall in table.rows:
        kept = scores > score
        assert right[kept].mean() >= precision
        assert score == 0.02 or right[scores > score - 0.001].mean() < precision  # none below would do
        assert recall == round(right[kept].sum() / 200, 4)
    assert len({score for _, score, _ in table.rows}) >= 5


def test_too_few_boxes_reach_nothing() -> None:
    assert measured([0.9] * 29, [True] * 29).rows == ()
    assert measured([0.9] * 30, [True] * 30).score(0.999) == 0.02


@pytest.mark.parametrize(("asked", "score"), [(0.5, 0.3), (0.9, 0.3), (0.91, 0.8), (0.99, 0.8)])
def test_the_next_precision_of_the_table(asked: float, score: float) -> None:
    assert TABLE.score(asked) == score


@pytest.mark.parametrize("asked", [0, 1, 1.5, -1])
def test_no_share(asked: float) -> None:
    with pytest.raises(ValueError, match=r"^precision: expected a share between 0 and 1, got "):
        TABLE.score(asked)


def test_a_precision_that_was_never_reached() -> None:
    with pytest.raises(
        ValueError, match=r"that the model reaches, at most 0\.99 on 7 photographs \(some photographs\)"
    ):
        TABLE.score(0.995)
    with pytest.raises(ValueError, match="that the model reaches, none on 1 photographs"):
        measured([0.9], [True]).score(0.5)


def test_files_carry_it_as_values_and_as_text() -> None:
    noted = TABLE.noted()
    assert json.loads(json.dumps(noted)) == noted
    assert ScoreTable.read(noted, "a.pt") == ScoreTable.read(str(noted), "a.onnx") == TABLE
    assert ScoreTable.read(None, "a.pt") is None


@pytest.mark.parametrize("noted", ["", "[", "7", {"rows": 7}, {"rows": [[1]]}, {}, [1], "__import__('os')", "(" * 999])
def test_what_is_no_table(noted: Any) -> None:
    with pytest.raises(ValueError, match=r"^a\.onnx: expected a table of scores by precision under score_table, got "):
        ScoreTable.read(noted, "a.onnx")
