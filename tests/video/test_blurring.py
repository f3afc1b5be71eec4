"""Whole films in which a bright square is the face to hide."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from clips import STEADY, UNSTEADY, blacken, brightness, find_square, picture, write_clip
from interpreters import last_line, run_python

from ultra_face.video.blurring import hide_faces, outside
from ultra_face.video.film import open_film

HIDDEN = 128  # brightest pixel of a frame without the square, which the codec respects


class Misses:
    """The detector of squares, but blind in some of its calls."""

    def __init__(self, blind):
        self.blind, self.calls = set(blind), 0

    def __call__(self, image):
        found = find_square(image)
        self.calls += 1
        return found[:0] if self.calls - 1 in self.blind else found


def visible(file):
    """In which frames the square is seen."""
    return [i for i, light in enumerate(brightness(file)) if not light < HIDDEN]


@pytest.mark.parametrize("stamps", [STEADY, UNSTEADY], ids=["steady", "unsteady"])
@pytest.mark.parametrize(
    ("blind", "hold", "expected"),
    [
        ((), 0, []),
        ((12,), 0, [12]),  # that the detector misses it matters
        ((12,), 0.1, []),
        ((0, 1, 2), 0.3, []),  # before its first detection
        ((27, 28, 29), 0.3, []),  # after its last
        ((0, 10, 11, 12, 20, 29), 0.5, []),
        (range(30), 0.5, list(range(30))),
    ],
)
def test_a_face_stays_hidden_where_the_detector_misses_it(tmp_path, stamps, blind, hold, expected):
    write_clip(tmp_path / "a.mp4", stamps=stamps)
    detect = Misses(blind)
    num_faces = hide_faces(tmp_path / "a.mp4", tmp_path / "b.mp4", detect=detect, hide=blacken, hold=hold)
    assert visible(tmp_path / "b.mp4") == expected
    assert detect.calls == 30
    assert num_faces == 30 - len(blind)


def test_what_is_not_hidden_stays(tmp_path):
    write_clip(tmp_path / "a.mp4")
    hide_faces(tmp_path / "a.mp4", tmp_path / "b.mp4", detect=find_square, hide=blacken)
    with open_film(tmp_path / "a.mp4") as source, open_film(tmp_path / "b.mp4") as copy:
        for theirs, ours in zip(source, copy, strict=True):
            (box,) = find_square(theirs.pixels()).boxes_xyxy
            left, top, right, bottom = (box + [-12, -12, 12, 12]).astype(int)  # the codec has blocks of 8 px
            difference = np.abs(theirs.pixels().astype(int) - ours.pixels())
            difference[max(top, 0) : bottom, max(left, 0) : right] = 0
            assert difference.max() <= 12
            assert difference.mean() < 2  # one level of brightness is 255 / 219 in BGR


def test_only_a_span_is_hidden(tmp_path):
    """Frames 10 to 20 of 25 a second; the detector looks a tenth of a second farther, since faces are held so long."""
    write_clip(tmp_path / "a.mp4")
    detect = Misses(())
    hide_faces(tmp_path / "a.mp4", tmp_path / "b.mp4", detect=detect, hide=blacken, hold=0.1, span=(0.4, 0.8))
    assert visible(tmp_path / "b.mp4") == [*range(10), *range(21, 30)]
    assert detect.calls == 15  # frames 8 to 22


def test_faces_in_a_kept_region_stay_visible(tmp_path):
    """The middle of the square is at 30 + 2 i."""
    write_clip(tmp_path / "a.mp4")
    hide_faces(tmp_path / "a.mp4", tmp_path / "b.mp4", detect=find_square, hide=blacken, kept=[(49, 0, 70, 120)])
    assert visible(tmp_path / "b.mp4") == list(range(10, 20))


def test_spared_ids_stay_visible(tmp_path):
    """A tracker that calls the square 7 from frame 10 on, and -1 before, as trackers do until they are sure."""
    write_clip(tmp_path / "a.mp4")
    frames = iter(range(30))

    def track(image, faces):
        assert image.shape == (120, 160, 3)
        return np.array([7 if next(frames) >= 10 else -1] * len(faces))

    def hide(spared):
        hide_faces(
            tmp_path / "a.mp4", tmp_path / "b.mp4", detect=find_square, hide=blacken, hold=0,
            track=track, spared_ids=spared,
        )  # fmt: skip
        return visible(tmp_path / "b.mp4")

    assert hide({3, 7}) == list(range(10, 30))
    frames = iter(range(30))
    assert hide({3}) == []


def test_outside():
    boxes = np.array([[0, 0, 10, 10], [10, 10, 20, 20], [0, 0, 30, 30]], float)  # with their middle at 5, 15 and 15
    np.testing.assert_array_equal(outside(boxes, [(0, 0, 5, 9), (6, 6, 9, 9)]), boxes)
    np.testing.assert_array_equal(outside(boxes, [(0, 0, 6, 6)]), boxes[1:])
    np.testing.assert_array_equal(outside(boxes, [(5, 5, 6, 6), (15, 15, 16, 16)]), boxes[:0])
    assert outside(boxes[:0], [(0, 0, 1, 1)]).shape == outside(boxes[:0], []).shape == (0, 4)


def test_the_progress_is_told(tmp_path):
    seen = []

    def watch(frames, total):
        for frame in frames:
            seen.append((frame.time, total))
            yield frame

    write_clip(tmp_path / "a.mp4")
    hide_faces(tmp_path / "a.mp4", tmp_path / "b.mp4", detect=find_square, hide=blacken, watch=watch)
    assert seen == [(i / 25, 30) for i in range(30)]


def test_readings_that_differ_are_refused(tmp_path):
    """Faces would be hidden at the wrong time."""

    def shifted(frames, total):
        for i, frame in enumerate(frames):
            yield frame if i < 5 else replace(frame, time=frame.time + 1)

    write_clip(tmp_path / "a.mp4")
    with pytest.raises(ValueError, match=r"a\.mp4: expected the same frames in two readings, .* at 0\.200 s; wait"):
        hide_faces(tmp_path / "a.mp4", tmp_path / "b.mp4", detect=find_square, hide=blacken, watch=shifted)
    assert not (tmp_path / "b.mp4").exists()


MEMORY = """
import gc
from pathlib import Path
import numpy as np
from clips import blacken, find_square
from ultra_face.video.blurring import hide_faces

held = []

def watch(frames, total):
    for i, frame in enumerate(frames):
        if i % 20 == 0:
            gc.collect()
        held.append(int(Path("/proc/self/status").read_text().split("VmRSS:")[1].split()[0]))
        yield frame

hide_faces(Path("a.mp4"), Path("b.mp4"), detect=find_square, hide=blacken, hold=2, watch=watch)
print(len(held), int(np.median(held[150:250])), int(np.median(held[1900:2000])))
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells what a process holds")
def test_memory_does_not_grow(tmp_path, repository):
    """About frame 2,000 as about frame 200, to 5 %; the frames between would be more than that as a tenth."""
    write_clip(
        tmp_path / "a.mp4",
        stamps=tuple(512 * i for i in range(2010)),
        draw=lambda i: picture(i % 30, width=320, height=240),
    )
    # One heap, from which whatever is as large as a frame stays away: the heap's own ups and downs reach a third of it.
    heap = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": "16384", "MALLOC_TRIM_THRESHOLD_": "16384"}
    done = run_python("-c", MEMORY, folder=tmp_path, PYTHONPATH=str(repository / "tests"), **heap)
    num_frames, early, late = map(int, last_line(done).split())
    assert num_frames == 2010
    assert late <= 1.05 * early
    assert 0.1 * early < 1800 * 320 * 240 * 1.5 / 1024  # [KiB]
