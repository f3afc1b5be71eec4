"""Faces that stay hidden where the detector misses them: between two detections, after the last and before the first.

Boxes of successive frames that lie close together are one face. Its way is interpolated between detections, and goes
on at its speed for a while before the first and after the last.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.floating[Any]]

REACH, REACH_A_SECOND, LONGEST_REACH = 0.5, 2.0, 1.5
"""How far the middle of a face moves from one detection to the next, in sides of its box: at once, more with every
second between them, and at most."""

LARGEST_GROWTH = 2.0
"""How many times larger or smaller a face becomes from one detection to the next."""

SPEED_SPAN = 0.2
"""Time that a speed is measured over [s]: the error of one box counts for little in it."""

LONGEST_WAY = 2.0
"""How far a face that is not seen goes on, in sides of its box."""


def hold_boxes(found: Iterable[tuple[float, Boxes]], seconds: float) -> Iterator[tuple[float, NDArray[np.float64]]]:
    """Add to the boxes of each frame those of faces that were found shortly before or will be found shortly after.

    Frames are given with a delay of twice `seconds`; what is kept meanwhile are their boxes, never their pixels.

    Args:
        found: time [s], rising, and boxes (N, 4) as left, top, right, bottom [px] of each frame.
        seconds: how long a face stays hidden after its last detection and before its first; gaps up to twice as long
            are bridged. 0 gives the boxes as they were found.

    Yields:
        Time and boxes (M, 4) of each frame in its order: M >= N, those that were found among them.
    """
    waiting: deque[float] = deque()
    ways: list[_Way] = []
    for time, boxes in found:
        waiting.append(time)
        _link(ways, time, np.asarray(boxes, np.float64).reshape(-1, 4), 2 * seconds)
        while waiting and waiting[0] + 2 * seconds <= time:
            yield waiting[0], _boxes_at(ways, waiting.popleft(), seconds)
        oldest = waiting[0] if waiting else time
        ways = [way for way in ways if way.times[-1] + 2 * seconds >= oldest]
        for way in ways:
            way.forget(oldest)
    while waiting:
        yield waiting[0], _boxes_at(ways, waiting.popleft(), seconds)


@dataclass(eq=False)
class _Way:
    """Where one face was found: times [s], rising, and a box (4,) [px] for each."""

    times: list[float]
    boxes: list[NDArray[np.float64]]

    def at(self, time: float, seconds: float) -> NDArray[np.float64] | None:
        """The box to hide at a time, None where the face was not found for `seconds` before or after."""
        after = bisect_left(self.times, time)
        if after == len(self.times):
            return self.moved(-1, time) if time - self.times[-1] <= seconds else None
        if self.times[after] == time:
            return self.boxes[after]
        if after == 0:
            return self.moved(0, time) if self.times[0] - time <= seconds else None
        t0, t1 = self.times[after - 1 : after + 1]
        share = (time - t0) / (t1 - t0)
        return (1 - share) * self.boxes[after - 1] + share * self.boxes[after]

    def moved(self, end: int, time: float) -> NDArray[np.float64]:
        """The hull of the first (0) or last (-1) box and of where it is at a time if the face moves on as it did.

        The hull, since a face that is not seen may as well have stopped.
        """
        box = self.boxes[end]
        way = self.speed(end) * (time - self.times[end])
        farthest = LONGEST_WAY * _sides(box)
        length = np.hypot(*way)
        if length > farthest:
            way *= farthest / length
        shifted = box + np.tile(way, 2)
        return np.concatenate([np.minimum(box, shifted)[:2], np.maximum(box, shifted)[2:]])

    def speed(self, end: int) -> NDArray[np.float64]:
        """Of the middle (2,) [px/s] near the first (0) or last (-1) box; 0 for a face that was found once."""
        t = self.times[end]
        other = bisect_left(self.times, t - SPEED_SPAN) if end else bisect_right(self.times, t + SPEED_SPAN) - 1
        elapsed = self.times[other] - t
        # Within a shorter time the error of a box would count for more.
        way = _middles(self.boxes[other]) - _middles(self.boxes[end])
        return np.asarray(way / np.copysign(max(abs(elapsed), SPEED_SPAN / 2), elapsed))

    def forget(self, before: float) -> None:
        """Drop what no time from `before` on needs, nor the speed at the end."""
        while len(self.times) > 2 and self.times[1] < min(before, self.times[-1]) - SPEED_SPAN:
            del self.times[0], self.boxes[0]


def _link(ways: list[_Way], time: float, boxes: NDArray[np.float64], longest_gap: float) -> None:
    """Add each box to the way that it continues, the closest pairs first, or begin a way with it."""
    open_ways = [way for way in ways if way.times[-1] < time and time - way.times[-1] <= longest_gap]
    free = set(range(len(boxes)))
    if open_ways and free:
        last = np.stack([way.boxes[-1] for way in open_ways])
        gaps = np.array([time - way.times[-1] for way in open_ways])
        ahead = _middles(last) + np.stack([way.speed(-1) for way in open_ways]) * gaps[:, None]
        sides = np.sqrt(_sides(last)[:, None] * _sides(boxes))
        growth = np.abs(np.log(np.maximum(_sides(last), 1e-9)[:, None] / np.maximum(_sides(boxes), 1e-9)))
        # A face goes on at its speed or stops.
        from_middles = np.minimum(
            *(np.linalg.norm(middles[:, None] - _middles(boxes), axis=-1) for middles in (ahead, _middles(last)))
        ) / np.maximum(sides, 1e-9)
        reach = np.minimum(REACH + REACH_A_SECOND * gaps, LONGEST_REACH)
        near = (from_middles <= reach[:, None]) & (growth <= np.log(LARGEST_GROWTH))
        pairs = np.argwhere(near)
        taken = set()
        for way, box in pairs[np.argsort(from_middles[near], kind="stable")].tolist():
            if way not in taken and box in free:
                taken.add(way)
                free.remove(box)
                open_ways[way].times.append(time)
                open_ways[way].boxes.append(boxes[box])
    ways += [_Way([time], [boxes[box]]) for box in sorted(free)]


def _boxes_at(ways: list[_Way], time: float, seconds: float) -> NDArray[np.float64]:
    boxes = [box for way in ways if (box := way.at(time, seconds)) is not None]
    return np.stack(boxes) if boxes else np.zeros((0, 4))


def _middles(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    return (boxes[..., :2] + boxes[..., 2:]) / 2


def _sides(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Side of a square of the same area as each box."""
    return np.asarray(np.sqrt(np.maximum(np.prod(boxes[..., 2:] - boxes[..., :2], axis=-1), 0)))
