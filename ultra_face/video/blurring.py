"""Faces hidden in a whole video, in frames where the detector misses them too.

The file is read twice at once, the second time so much later that faces are known for as long ahead as they are held.
So no frame waits in memory, and holding longer costs no more of it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from math import inf
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ultra_face.faces import Faces
from ultra_face.video.film import Film, Frame, Pixels, open_film
from ultra_face.video.holding import Boxes, hold_boxes
from ultra_face.video.rewriting import rewrite_film

HOLD = 0.5
"""How long a face stays hidden before its first and after its last detection [s]."""

Region = tuple[float, float, float, float]
"""Left, top, right and bottom [px of the upright picture]."""

Detect = Callable[[Pixels], Faces]
Hide = Callable[[Pixels, Boxes], Pixels]
Track = Callable[[Pixels, Faces], NDArray[np.integer]]
Watch = Callable[[Iterable[Frame], int], Iterable[Frame]]


def hide_faces(
    source: Path,
    target: Path,
    *,
    detect: Detect,
    hide: Hide,
    hold: float = HOLD,
    span: tuple[float, float] = (0, inf),
    kept: Collection[Region] = (),
    track: Track | None = None,
    spared_ids: Collection[int] = (),
    keep_metadata: bool = False,
    watch: Watch | None = None,
) -> int:
    """Write a copy of a video in which the faces are hidden.

    Args:
        source: video file.
        target: file to write; see `rewrite_film`.
        detect: finds the faces of a picture (H, W, 3), BGR, upright.
        hide: gives a picture with what is in boxes (N, 4) [px] made unrecognisable; the picture itself may change.
        hold: see `hold_boxes` [s].
        span: first and last time at which faces are hidden [s]; pictures outside stay as they are.
        kept: regions in which faces stay visible, see `outside`.
        track: gives an id for each of the faces of a picture, in the order of time; it sees the pictures before
            the span, too.
        spared_ids: ids of faces that stay visible; a face that is held without an id of its own is hidden.
        keep_metadata: keep title, date, place and the like.
        watch: wraps the frames and their number, as far as it is known, to show how far the work is.

    Returns:
        How many faces were detected, counting each in every frame.

    Raises:
        FileNotFoundError, ModuleNotFoundError, OutputError: as `rewrite_film`.
        ValueError: as `rewrite_film`; or the file gives other frames when it is read again.
    """
    start, end = span
    num_faces = 0

    def find(film: Film) -> Iterator[tuple[float, Boxes]]:
        nonlocal num_faces
        for frame in watch(film, film.num_frames) if watch else film:
            boxes: Boxes = np.zeros((0, 4))
            # A tracker has to see all frames from the first one on to give the ids that it gives elsewhere.
            if (track is not None or start - hold <= frame.time) and frame.time <= end + hold:
                pixels = frame.pixels()
                faces = detect(pixels)
                num_faces += len(faces)
                boxes = faces.boxes_xyxy
                if track is not None:
                    boxes = boxes[~np.isin(track(pixels, faces), list(spared_ids))]
            yield frame.time, boxes

    with open_film(source) as ahead:
        held = hold_boxes(find(ahead), hold)

        def edit(frame: Frame) -> Pixels:
            time, boxes = next(held, (None, np.zeros((0, 4))))
            if time != frame.time:
                raise ValueError(
                    f"{source}: expected the same frames in two readings, got none or another at {frame.time:.3f} s; "
                    "wait until the file is complete, or repair it"
                )
            pixels, hidden = frame.pixels(), outside(boxes, kept)
            return hide(pixels, hidden) if len(hidden) and start <= frame.time <= end else pixels

        rewrite_film(source, target, edit, keep_metadata=keep_metadata)
    return num_faces


def outside(boxes_xyxy: Boxes, regions: Collection[Region]) -> Boxes:
    """The boxes (M, 4) of (N, 4) whose middle lies in none of the regions."""
    x, y = ((boxes_xyxy[:, :2] + boxes_xyxy[:, 2:]) / 2).T
    inside = [(x >= left) & (x < right) & (y >= top) & (y < bottom) for left, top, right, bottom in regions]
    return boxes_xyxy[~np.any(inside, axis=0)] if inside else boxes_xyxy
