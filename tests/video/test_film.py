"""Frames of video files, upright and in their time."""

from __future__ import annotations

import gc
import sys
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from clips import STEADY, UNIT, UNSTEADY, find_square, join, left_of_square, picture, write_clip

from ultra_face.video.film import open_film, turn

ONE = 1 << 16  # 1 in a display matrix
CORNER = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
# a, b, c, d of display matrices, and what OpenCV calls them.
ORIENTATIONS = {
    "as it is": ((1, 0, 0, 1), lambda image: image),
    "mirrored": ((-1, 0, 0, 1), lambda image: cv2.flip(image, 1)),
    "upside down": ((-1, 0, 0, -1), lambda image: cv2.rotate(image, cv2.ROTATE_180)),
    "flipped": ((1, 0, 0, -1), lambda image: cv2.flip(image, 0)),
    "clockwise": ((0, 1, -1, 0), lambda image: cv2.rotate(image, cv2.ROTATE_90_CLOCKWISE)),
    "counter-clockwise": ((0, -1, 1, 0), lambda image: cv2.rotate(image, cv2.ROTATE_90_COUNTERCLOCKWISE)),
    "transposed": ((0, 1, 1, 0), cv2.transpose),
    "transposed and upside down": ((0, -1, -1, 0), lambda image: cv2.rotate(cv2.transpose(image), cv2.ROTATE_180)),
}


def matrix(a: int, b: int, c: int, d: int) -> tuple[int, ...]:
    return (a * ONE, b * ONE, 0, c * ONE, d * ONE, 0, 0, 0, 1 << 30)


@pytest.mark.parametrize("name", ORIENTATIONS)
def test_pictures_are_turned_as_the_display_matrix_says(name):
    numbers, expected = ORIENTATIONS[name]
    np.testing.assert_array_equal(turn(CORNER, matrix(*numbers)), expected(CORNER))


@pytest.mark.parametrize("name", ORIENTATIONS)
def test_films_of_phones_come_upright(tmp_path, name):
    """As the decoder of OpenCV turns them, where it does; it knows no mirrored ones."""
    numbers, expected = ORIENTATIONS[name]
    file = write_clip(tmp_path / "a.mp4", pictures=lambda stream: stream.set_display_matrix(matrix(*numbers)))
    with open_film(file) as film:
        frame = next(iter(film))
    upright = expected(picture(0))
    assert frame.pixels().shape == upright.shape
    assert np.abs(frame.pixels().astype(int) - upright).mean() < 3
    assert frame.lies_on_its_side() == (upright.shape[0] > upright.shape[1])
    if numbers[0] * numbers[3] - numbers[1] * numbers[2] > 0:
        theirs = cv2.VideoCapture(str(file)).read()[1]
        assert np.abs(frame.pixels().astype(int) - theirs).mean() < 3


@pytest.mark.parametrize("stamps", [STEADY, UNSTEADY])
@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_frames_come_in_order_with_their_time(tmp_path, suffix, stamps):
    """A film of 30 frames, most of which the codec stores in another order; Matroska rounds to 1 ms."""
    with open_film(write_clip(tmp_path / f"a{suffix}", stamps=stamps, sound=False)) as film:
        frames = [(frame.time, frame.pixels()) for frame in film]
        assert film.num_frames == 30 or (suffix == ".mkv" and stamps is UNSTEADY)  # which states no number
    np.testing.assert_allclose([time for time, _ in frames], [float(s * UNIT) for s in stamps], atol=5e-4)
    lefts = [find_square(pixels).boxes_xyxy[0, 0] for _, pixels in frames]
    np.testing.assert_allclose(lefts, [left_of_square(i) for i in range(30)], atol=1)


@pytest.mark.parametrize("form", ["avi", "h264"])
def test_containers_without_times_of_display(tmp_path, form):
    """AVI has the order of storage alone, a bare stream has no time: the frames are 1/25 s apart."""
    file = tmp_path / "a"
    with av.open(str(file), "w", format=form) as out:
        stream = out.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        for i in range(30):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture(i), "bgr24")))
        out.mux(stream.encode())
    with open_film(file) as film:
        times, lefts = zip(*[(f.time, find_square(f.pixels()).boxes_xyxy[0, 0]) for f in film], strict=True)
    np.testing.assert_allclose(times, np.arange(30) / 25, atol=1e-6)
    np.testing.assert_allclose(lefts, [left_of_square(i) for i in range(30)], atol=1)


def test_time_counts_from_the_start_of_the_film(tmp_path):
    """A transport stream starts where its encoder has it, here with the sound at 10 s, 0.1 s before the pictures."""
    file = tmp_path / "a.ts"
    with av.open(str(write_clip(tmp_path / "b.mp4"))) as source, av.open(str(file), "w") as out:
        streams = [out.add_stream_from_template(stream) for stream in source.streams]
        for packet in source.demux():
            if packet.size:
                later = 10 + (packet.stream.type == "video") / 10
                packet.pts += round(later / packet.time_base)
                packet.dts += round(later / packet.time_base)
                packet.stream = streams[packet.stream.index]
                out.mux(packet)
    with open_film(file) as film:
        assert film.container.start_time >= 9_000_000
        first = next(iter(film)).time
    assert first == pytest.approx(0.1 + 1024 / 48000, abs=2e-3)  # the sound starts with a packet before its zero


def test_a_cover_is_no_film(tmp_path):
    jpeg = cv2.imencode(".jpg", picture(20))[1].tobytes()
    file = write_clip(
        tmp_path / "a.mkv", container=lambda out: out.add_attachment("cover.jpg", "image/jpeg", jpeg), sound=False
    )
    with av.open(str(file)) as container:
        assert [stream.codec_context.name for stream in container.streams.video] == ["h264", "mjpeg"]
    with open_film(file) as film:
        assert film.stream.codec_context.name == "h264"


@pytest.mark.parametrize("name", ["a b.mp4", "Grüße 12:30.mp4", "-clip%03d.mp4", "clip"])
def test_any_name(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    write_clip(tmp_path / "x.mp4", stamps=STEADY[:3], sound=False).rename(tmp_path / name)
    with open_film(Path(name)) as film:
        assert len(list(film)) == 3


def test_what_is_no_film_is_told(tmp_path):
    (tmp_path / "text.mp4").write_text("hello")
    with pytest.raises(ValueError, match=r"text\.mp4: expected a video, got a file of another kind \(Invalid data"):
        open_film(tmp_path / "text.mp4").__enter__()
    with pytest.raises(FileNotFoundError, match=r"no\.mp4: expected a video, got no file; check the path$"):
        open_film(tmp_path / "no.mp4").__enter__()
    with av.open(str(write_clip(tmp_path / "whole.mkv"))) as whole:
        join(tmp_path / "sound.mkv", (whole.streams.audio[0], {}))
    with pytest.raises(ValueError, match=r"sound\.mkv: expected a video, got a file without moving pictures; check"):
        open_film(tmp_path / "sound.mkv").__enter__()


def test_a_damaged_film_is_told(tmp_path):
    """Bytes in the middle of the pictures are overwritten."""
    content = bytearray(write_clip(tmp_path / "a.mp4", sound=False).read_bytes())
    start = content.index(b"mdat") + 800
    content[start : start + 1500] = bytes(1500)
    (tmp_path / "a.mp4").write_bytes(content)
    with (
        open_film(tmp_path / "a.mp4") as film,
        pytest.raises(ValueError, match=r"a\.mp4: expected a video that decodes to its end, got damaged data; repair"),
    ):
        list(film)


def test_a_film_that_nothing_decodes_is_told(tmp_path):
    """The name of its codec is one that nobody knows."""
    content = write_clip(tmp_path / "a.mp4", sound=False).read_bytes()
    (tmp_path / "a.mp4").write_bytes(content.replace(b"avc1", b"zzzz").replace(b"avcC", b"zzzC"))
    message = (
        r"a\.mp4: expected a video that ffmpeg can decode, got one that it cannot \(no decoder for it\); convert it"
    )
    with pytest.raises(ValueError, match=message):
        open_film(tmp_path / "a.mp4").__enter__()


def test_without_pyav_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(
        ModuleNotFoundError, match=r"the package av, .* install it with pip install 'ultra-face\[video\]'"
    ):
        open_film(tmp_path / "a.mp4").__enter__()


def test_frames_leave_memory_without_a_search_for_cycles(tmp_path):
    write_clip(tmp_path / "a.mp4")
    gc.collect()
    gc.disable()
    try:
        with open_film(tmp_path / "a.mp4") as film:
            num_frames = sum(frame.pixels().size > 0 for frame in film)
        left = sum(issubclass(type(item), av.VideoFrame) for item in gc.get_objects())
    finally:
        gc.enable()
    assert left < num_frames / 2
