"""Passes over photographs of painted faces, whose places are known exactly."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from painted_faces import PaintedNetwork, landmarks_of, paint

from ultra_face.detection.images import Photograph
from ultra_face.detection.passes import Passes
from ultra_face.detection.views import Plan
from ultra_face.faces import Faces

# In a photograph of 400 x 600 px with tiles of 200 px, which start at 0, 100, 200 and 0, 133, 267, 400 px: faces in the
# middle of a tile, on a seam, on a crossing of seams, in a corner of the photograph, and one larger than any tile.
FACES = [(20, 30, 50), (170, 20, 48), (375, 180, 46), (552, 352, 48), (40, 150, 240)]


def passes(plan: Plan, *, batch: int = 8, confidence: float = 0.01) -> Passes:
    return Passes(PaintedNetwork(), plan, confidence=confidence, iou=0.5, batch=batch)


def detect(plan: Plan, image: np.ndarray, **settings: float) -> Faces:
    ((_, found),) = passes(plan, **settings).detect([Photograph(image)])
    return found


def by_place(found: Faces) -> Faces:
    return found[np.lexsort(found.boxes_xyxy.round().T)]


def assert_painted(found: Faces, faces: list[tuple[int, int, int]], *, atol: float) -> None:
    """Each face once, its box and landmarks where they were painted."""
    boxes = np.array([(left, top, left + side, top + side) for left, top, side in faces], float)
    order = np.lexsort(boxes.T)
    found = by_place(found)
    assert len(found) == len(faces)
    np.testing.assert_allclose(found.boxes_xyxy, boxes[order], atol=atol)
    np.testing.assert_allclose(found.landmarks, np.array([landmarks_of(*faces[i]) for i in order]), atol=atol)


def test_the_whole_photograph_alone() -> None:
    # Enlarged twice: corners are exact, and middles of small squares within a pixel.
    assert_painted(detect(Plan(((1216, 1216),)), paint((400, 600), *FACES)), FACES, atol=1.0)


@pytest.mark.parametrize("turns", [(0,), (0, 1), (2,), (0, 1, 2, 3)], ids=str)
@pytest.mark.parametrize("flip", [False, True])
def test_tiles_give_each_face_once_with_its_landmarks(turns: tuple[int, ...], flip: bool) -> None:
    found = detect(Plan(((416, 416),), tile=200, turns=turns, flip=flip), paint((400, 600), *FACES))
    # The largest is seen at 416 / 600 of its size alone: a pixel there is 1.4 here.
    assert_painted(found, FACES, atol=1.5)


def test_a_face_on_a_seam_is_cut_in_some_tiles() -> None:
    # Else the test above would not show that parts give way.
    plan = Plan(((416, 416),), tile=200)
    network, image = PaintedNetwork(), paint((400, 600), FACES[1])
    shown = []
    for view in plan.views((400, 600)):
        planes = np.zeros((1, 3, *view.letterbox.input_hw), np.float32)
        view.fill(planes[0], image)
        shown += [width for width in network(planes, [])[0, 2] if width]
    sides = np.array(shown) * 200 / 416
    assert sides.max() == pytest.approx(48, abs=1)
    assert sides.min() < 48 / 2


def test_the_order_of_tiles_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    plan, image = Plan(((416, 416),), tile=200, turns=(0, 1), flip=True), paint((400, 600), *FACES)
    expected = detect(plan, image)
    views = Plan.views
    monkeypatch.setattr(Plan, "views", lambda self, hw: views(self, hw)[::-1])
    found = detect(plan, image)
    np.testing.assert_array_equal(found.boxes_xyxy, expected.boxes_xyxy)
    # A face that two views show equally comes from either of them.
    np.testing.assert_allclose(found.landmarks, expected.landmarks, rtol=0, atol=1e-9)


@pytest.mark.parametrize("scales", [((320, 320), (608, 608)), ((320, 320), (608, 608), (1216, 1216))])
def test_scales_agree_on_one_face(scales: tuple[tuple[int, int], ...]) -> None:
    assert_painted(detect(Plan(scales), paint((400, 600), *FACES[:3])), FACES[:3], atol=2.0)


def test_photographs_of_many_sizes_keep_their_order_and_what_is_in_them() -> None:
    photographs = [
        Photograph(paint((300, 400), (50, 60, 90))),
        Photograph(paint((500, 300))),  # no face
        Photograph(paint((400, 400), (100, 100, 80), (250, 20, 100))),
        Photograph(paint((300, 400), (200, 100, 120))),
    ]
    for batch in (1, 2, 8):
        results = list(passes(Plan(((416, 416),)), batch=batch).detect(photographs))
        assert [photograph for photograph, _ in results] == photographs
        assert_painted(results[0][1], [(50, 60, 90)], atol=1.5)
        assert len(results[1][1]) == 0
        assert_painted(results[2][1], [(100, 100, 80), (250, 20, 100)], atol=1.5)
        assert_painted(results[3][1], [(200, 100, 120)], atol=1.5)


def test_inputs_of_one_size_run_together_and_never_more_than_a_batch() -> None:
    running = passes(Plan(((416, 416),), tile=200), batch=5)
    list(running.detect([Photograph(paint((400, 600), *FACES))]))
    # The whole in its own rectangle, 416 x 277 px rounded up to 288; twelve tiles.
    assert sorted(running.network.batches) == [(1, 3, 288, 416), (2, 3, 416, 416), (5, 3, 416, 416), (5, 3, 416, 416)]


def photographs(count: int, asked: list[int], *, live: bool = False) -> Iterator[Photograph]:
    for number in range(count):
        asked.append(number)
        yield Photograph(paint((64, 64), (10, 10, 20)), live=live)


def test_photographs_are_read_a_batch_ahead() -> None:
    asked: list[int] = []
    results = passes(Plan(((64, 64),)), batch=4).detect(photographs(100, asked))
    next(results)
    assert asked == [0, 1, 2, 3]


def test_the_views_of_large_photographs_fill_a_batch_too() -> None:
    asked: list[int] = []
    plan = Plan(((64, 64),), turns=(0, 1, 2))
    next(passes(plan, batch=8).detect(photographs(100, asked)))
    assert asked == [0, 1, 2]  # with three views each


def test_a_live_frame_waits_for_no_other() -> None:
    asked: list[int] = []
    next(passes(Plan(((64, 64),)), batch=8).detect(photographs(100, asked, live=True)))
    assert asked == [0]


def test_an_error_comes_after_what_was_found_before_it() -> None:
    def broken() -> Iterator[Photograph]:
        yield from photographs(3, [])
        raise ValueError("the fourth is broken")

    results = passes(Plan(((64, 64),)), batch=8).detect(broken())
    assert [len(next(results)[1]) for _ in range(3)] == [1, 1, 1]
    with pytest.raises(ValueError, match="the fourth is broken"):
        next(results)


def test_only_a_network_that_looks_into_photographs_is_given_them() -> None:
    photograph = Photograph(paint((100, 200), (20, 20, 60)))
    for sees in (False, True):
        running = replace(passes(Plan(((64, 64),), turns=(1,))), network=PaintedNetwork(sees_photographs=sees))
        list(running.detect([photograph]))
        (shown,) = running.network.photographs
        assert [image.shape for image in shown] == ([(200, 100, 3)] if sees else [])


def test_the_threshold_holds_for_every_view() -> None:
    # The score of a painted face is its share of the input: 50 of 600 px in the whole, 50 of 200 px in a tile.
    image = paint((400, 600), FACES[0])
    assert len(detect(Plan(((416, 416),)), image, confidence=0.2)) == 0
    assert len(detect(Plan(((416, 416),), tile=200), image, confidence=0.2)) == 1
