"""Ids of faces that move over a picture."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import numpy as np
import pytest

from ultra_face.faces import Faces
from ultra_face.video.tracking import TRACKERS, UNMATCHED, Tracker

pytest.importorskip("lap", reason="needs lap, with which the trackers of Ultralytics match")
PICTURE = np.random.default_rng(0).integers(0, 256, (240, 320, 3)).astype(np.uint8)


def faces(*lefts_tops: tuple[float, float], scores: Sequence[float] | None = None) -> Faces:
    """Faces of 40 px with these corners, sure ones unless scores say otherwise."""
    n = len(lefts_tops)
    corners = np.array(lefts_tops, np.float32).reshape(n, 2)
    boxes = np.concatenate([corners, corners + 40], axis=1)
    return Faces(boxes, np.zeros((n, 5, 2), np.float32), np.array(scores or [0.9] * n, np.float32))


def going_right(i: int) -> tuple[float, float]:
    return 20 + 3 * i, 20


def going_left(i: int) -> tuple[float, float]:
    return 250 - 4 * i, 150 + i


@pytest.mark.parametrize("name", TRACKERS)
def test_ids_stay_with_faces_that_move(name):
    """Whichever of them comes first in the list; ids count from 1."""
    tracker = Tracker(name)
    of_each = []
    for i in range(20):
        first, second = going_right(i), going_left(i)
        ids = tracker(PICTURE, faces(first, second) if i % 2 else faces(second, first))
        of_each.append(ids.tolist() if i % 2 else ids[::-1].tolist())
    assert of_each == [of_each[0]] * 20
    assert sorted(of_each[0]) == [1, 2]


def test_an_id_outlasts_missed_frames():
    tracker = Tracker()
    ids = [tracker(PICTURE, faces(*[going_right(i)] * (i not in (6, 7, 8)))).tolist() for i in range(12)]
    assert ids == [[1]] * 6 + [[]] * 3 + [[1]] * 3


def test_every_face_keeps_its_place_and_an_unmatched_one_has_no_id():
    """Before the one that is tracked stand one that is hardly a face and one that appears later.

    Tracks begin at a score of 0.25, and later than in the first frame are sure when they are seen again.
    """
    tracker = Tracker()
    ids = []
    for i in range(6):
        shown = [((10, 180), 0.15), *[(going_left(i), 0.9)] * (i >= 3), (going_right(i), 0.9)]
        found = faces(*(corner for corner, _ in shown), scores=[score for _, score in shown])
        ids.append(tracker(PICTURE, found).tolist())
    assert ids == [[-1, 1]] * 3 + [[-1, -1, 1]] + [[-1, 2, 1]] * 2
    assert UNMATCHED == -1


def test_boxes_of_no_area_are_unmatched():
    tracker = Tracker()
    flat = Faces(np.array([[10, 10, 10, 50], [60, 60, 100, 100]], np.float32), np.zeros((2, 5, 2)), np.full(2, 0.9))
    assert [tracker(PICTURE, flat).tolist() for _ in range(3)] == [[-1, 1]] * 3


def test_each_video_has_ids_of_its_own():
    """The second one counts from 1 again, and does not take up the faces of the first where it begins."""

    def ids() -> list[list[int]]:
        tracker = Tracker()
        return [tracker(PICTURE, faces(going_right(i), going_left(i))).tolist() for i in range(5)]

    assert ids() == ids() == [[1, 2]] * 5


def test_no_faces():
    tracker = Tracker()
    for _ in range(3):
        ids = tracker(PICTURE, faces())
        assert (ids.shape, ids.dtype) == ((0,), np.int64)


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match=r"^tracker: expected one of bytetrack, botsort, ocsort, got 'deepsort'$"):
        Tracker("deepsort")


@pytest.mark.parametrize("package", ["lap", "ultralytics"])
def test_without_a_package_the_remedy_is_named(monkeypatch, package):
    """Ultralytics would install lap unasked."""
    for name in [name for name in sys.modules if name.split(".")[0] == package]:
        monkeypatch.setitem(sys.modules, name, None)
    message = (
        rf"^expected the package {package}(\.trackers\.track)?, without which nobody is tracked, got none; "
        r"install it with pip install 'ultra-face\[video\]'$"
    )
    with pytest.raises(ModuleNotFoundError, match=message):
        Tracker()
