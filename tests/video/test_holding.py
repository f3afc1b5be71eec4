"""Faces stay hidden in frames in which the detector misses them."""

from __future__ import annotations

import numpy as np
import pytest

from ultra_face.video.holding import LARGEST_GROWTH, hold_boxes

BOX = np.array([[100.0, 50.0, 140.0, 100.0]])
NONE = np.zeros((0, 4))


def at(x):
    """A box of 40 x 50 px that begins at x."""
    return BOX + [x - 100.0, 0, x - 100.0, 0]


def held(found, seconds):
    times, boxes = zip(*hold_boxes(found, seconds), strict=True)
    assert times == tuple(time for time, _ in found)
    return boxes


def covers(outer, inner):
    return (outer[:, :2] <= inner[:2] + 1e-9).all() and (outer[:, 2:] >= inner[2:] - 1e-9).all()


def test_holding_for_no_time_changes_nothing():
    found = [(0.0, BOX), (0.1, NONE), (0.2, np.concatenate([BOX, at(300)])), (0.3, NONE)]
    for (_, expected), boxes in zip(found, held(found, 0), strict=True):
        np.testing.assert_array_equal(boxes, expected)


def test_a_missed_frame_lies_between_its_neighbours():
    """A face that moves evenly is where it would have been found, at any frame rate."""
    times = [0.0, 0.04, 0.08, 0.2, 0.24]
    for missed in (1, 2, 3):
        found = [(t, NONE if i == missed else at(100 + 200 * t)) for i, t in enumerate(times)]
        boxes = held(found, 0.5)
        for t, box in zip(times, boxes, strict=True):
            np.testing.assert_allclose(box, at(100 + 200 * t), atol=1e-9)


def test_gaps_of_up_to_twice_the_time_are_bridged():
    times = [i / 10 for i in range(30)]
    for gap, missed in ((10, 0), (14, 4)):  # detections at 0.5 s and 1.5 s; at 0.5 s and 1.9 s, which leaves 1.0 to 1.4
        found = [(t, BOX if i in (5, 5 + gap) else NONE) for i, t in enumerate(times)]
        num_boxes = [len(boxes) for boxes in held(found, 0.5)][5 : 5 + gap + 1]
        assert num_boxes.count(0) == pytest.approx(missed, abs=1)  # 0.1 s is no binary fraction


def test_a_still_face_is_hidden_for_the_time_before_and_after():
    times = [i / 8 for i in range(33)]  # binary fractions
    boxes = held([(t, BOX if 1.5 <= t <= 2 else NONE) for t in times], 0.5)
    for t, box in zip(times, boxes, strict=True):
        np.testing.assert_allclose(box, BOX if 1 <= t <= 2.5 else NONE, atol=1e-9)


@pytest.mark.parametrize("speed", [-120.0, 60.0])
def test_a_moving_face_is_covered_where_it_goes_on_and_where_it_may_have_stopped(speed):
    times = [i / 25 for i in range(100)]
    boxes = held([(t, at(400 + speed * t) if 1 <= t <= 2 else NONE) for t in times], 0.5)
    first, last = at(400 + speed)[0], at(400 + 2 * speed)[0]
    for t, box in zip(times, boxes, strict=True):
        assert len(box) == (0.5 <= t <= 2.5)
        if len(box):
            assert covers(box, at(400 + speed * t)[0])
            assert covers(box, first if t < 1 else last) or 1 <= t <= 2
            assert (box[:, 2:] - box[:, :2] <= [40 + abs(speed) / 2 + 1e-9, 50 + 1e-9]).all()


def test_a_face_that_is_not_seen_goes_on_by_two_sides_at_most():
    times = [i / 25 for i in range(100)]
    boxes = held([(t, at(600 * t) if t <= 1 else NONE) for t in times], 2)
    side = np.sqrt(40 * 50)
    assert boxes[74][0, 2] == pytest.approx(600 + 40 + 2 * side)


def test_what_was_found_stays_and_a_face_leaves_no_hole():
    """Random walks of three faces of which half of the detections are missed."""
    rng = np.random.default_rng(0)
    times = np.cumsum(rng.uniform(0.02, 0.08, 200)).tolist()
    walks = 300 * np.arange(3)[:, None] + np.cumsum(rng.normal(0, 2, (3, 200)), axis=1)
    seen = rng.random((3, 200)) < 0.5
    found = [
        (t, np.concatenate([NONE, *(at(walks[k, i]) for k in range(3) if seen[k, i])])) for i, t in enumerate(times)
    ]
    for i, boxes in enumerate(held(found, 0.5)):
        assert {tuple(box) for box in found[i][1]} <= {tuple(box) for box in boxes}
        for k in range(3):
            near = np.flatnonzero(seen[k] & (np.abs(np.array(times) - times[i]) <= 0.5))
            if near.size:
                x = (boxes[:, 0] + boxes[:, 2]) / 2 - 20
                assert np.abs(x - walks[k, near].mean()).min() < 40


def test_faces_that_differ_much_in_size_are_two():
    larger = BOX + np.array([-1, -1, 1, 1]) * 25 * (LARGEST_GROWTH + 0.5 - 1)
    boxes = held([(0.0, BOX), (0.1, NONE), (0.2, larger)], 0.5)
    assert [len(box) for box in boxes] == [2, 2, 2]


def test_neighbours_keep_their_own_ways():
    """Two faces side by side that move as far in a frame as half of their distance."""
    times = [i / 25 for i in range(20)]
    pair = [np.concatenate([at(25 * i), at(25 * i + 50)]) for i in range(20)]
    boxes = held([(t, NONE if i == 10 else pair[i]) for i, t in enumerate(times)], 0.5)
    np.testing.assert_allclose(np.sort(boxes[10], axis=0), pair[10], atol=1e-6)


def test_no_more_frames_wait_than_twice_the_time_has():
    """As the frames of a film do not, their boxes must not pile up."""
    given = 0

    def frames():
        nonlocal given
        for i in range(500):
            given += 1
            yield i / 25, at(i)

    for done, _ in enumerate(hold_boxes(frames(), 0.5)):
        assert given - done <= 25 + 2
