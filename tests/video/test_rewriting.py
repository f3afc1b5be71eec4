"""Copies of videos have everything of their source but its pictures and what it says of itself."""

from __future__ import annotations

import signal
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from clips import STEADY, UNSTEADY, blacken, find_square, join, picture, write_clip
from PIL import Image

from ultra_face.video.film import Frame, open_film
from ultra_face.video.rewriting import CONTAINERS, rewrite_film

PLACE = "+47.3769+008.5417/"


def without_square(frame: Frame) -> np.ndarray:
    image = frame.pixels()
    return blacken(image, find_square(image).boxes_xyxy)


def unchanged(frame: Frame) -> np.ndarray:
    return frame.pixels()


def stamps(file: Path) -> list[float]:
    with open_film(file) as film:
        return [frame.time for frame in film]


def packets(file: Path, kind: str) -> list[tuple[float, bytes]]:
    """Time [s] and content of the packets of the first stream of a kind."""
    with av.open(str(file)) as container:
        stream = getattr(container.streams, kind)[0]
        return [(float(p.pts * p.time_base), bytes(p)) for p in container.demux(stream) if p.size]


def first_picture(file: Path) -> np.ndarray:
    with open_film(file) as film:
        return next(iter(film)).pixels()


def duration(file: Path) -> float:
    with av.open(str(file)) as container:
        return container.duration / 1e6


@pytest.mark.parametrize("sound_first", [False, True], ids=["pictures first", "sound first"])
@pytest.mark.parametrize("shown", [STEADY, UNSTEADY], ids=["steady", "unsteady"])
@pytest.mark.parametrize("suffix", CONTAINERS)
def test_frames_times_duration_and_sound_are_those_of_the_source(tmp_path, suffix, shown, sound_first):
    source = write_clip(tmp_path / f"a{suffix}", stamps=shown, sound_first=sound_first)
    copy = tmp_path / "out" / f"b{suffix}"
    rewrite_film(source, copy, without_square)
    assert stamps(copy) == stamps(source)
    assert len(stamps(copy)) == len(shown)
    # Matroska counts the last packet of sound as whole.
    assert duration(copy) == pytest.approx(duration(source), abs=1024 / 48000 if suffix == ".mkv" else 1e-3)
    assert packets(copy, "audio") == packets(source, "audio")
    with av.open(str(source)) as theirs, av.open(str(copy)) as ours:
        order = [stream.type for stream in ours.streams]
        assert order == [stream.type for stream in theirs.streams] == ["audio", "video"][:: 1 if sound_first else -1]
        assert ours.streams.video[0].codec_context.pix_fmt == "yuv420p"
        assert {frame.to_ndarray(format="gray").max() < 128 for frame in ours.decode(video=0)} == {True}
    assert [file.name for file in copy.parent.iterdir()] == [copy.name]


@pytest.mark.parametrize("form", ["avi", "mpegts", "mpeg", "flv", "h264"])
def test_other_containers_become_matroska(tmp_path, form):
    """Their frames and times stay, and their sound where they have one."""
    source = tmp_path / "a"
    with av.open(str(source), "w", format=form) as out:
        stream = out.add_stream("mpeg2video" if form == "mpeg" else "libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        tone = None if form == "h264" else out.add_stream("mp2" if form == "mpeg" else "aac", rate=48000, layout="mono")
        for i in range(30):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture(i), "bgr24")))
        out.mux(stream.encode())
        for k in range(40 if tone else 0):
            size = 1152 if form == "mpeg" else 1024
            part = av.AudioFrame.from_ndarray(np.full((1, size), 99 * k, np.int16), "s16", "mono")
            part.rate, part.pts, part.time_base = 48000, k * size, Fraction(1, 48000)
            out.mux(tone.encode(part))
        if tone:
            out.mux(tone.encode())
    copy = tmp_path / "b.mkv"
    rewrite_film(source, copy, unchanged)
    np.testing.assert_allclose(np.diff(stamps(copy)), np.diff(stamps(source)), atol=1.1e-3)
    assert len(stamps(copy)) == 30
    if tone is not None:
        (ours, sound), (theirs, expected) = (zip(*packets(file, "audio"), strict=True) for file in (copy, source))
        strip = 7 if form == "mpegts" else 0  # in transport streams AAC has a header of 7 bytes a packet
        assert [bytes(s) for s in sound] == [bytes(s)[strip:] for s in expected]
        lead = [t[0] - f for t, f in ((ours, stamps(copy)[0]), (theirs, first_stamp(source)))]
        assert lead[0] == pytest.approx(lead[1], abs=2e-3)


def test_an_animation_becomes_a_film(tmp_path):
    """Its colours are no H.264's, and are converted to those of HD, as the copy says."""
    animation = [Image.fromarray(picture(i)[..., ::-1]) for i in range(8)]
    animation[0].save(tmp_path / "a.gif", save_all=True, append_images=animation[1:], duration=[100, 50] * 4)
    rewrite_film(tmp_path / "a.gif", tmp_path / "b.mkv", unchanged)
    assert stamps(tmp_path / "b.mkv") == pytest.approx(np.cumsum([0, *[0.1, 0.05] * 3, 0.1]))
    with av.open(str(tmp_path / "b.mkv")) as ours:
        context = ours.streams.video[0].codec_context
        assert (context.colorspace, context.color_range) == COLOURS["HD"][:2]
    assert np.abs(first_picture(tmp_path / "b.mkv").astype(int) - picture(0)).mean() < 2


def first_stamp(file: Path) -> float:
    """Of the pictures, as the file has it [s]."""
    with av.open(str(file)) as container:
        if container.format.name == "avi":
            return 0.0
        return next(container.decode(video=0)).time


def test_subtitles_languages_and_order_stay(tmp_path):
    (tmp_path / "a.srt").write_text("1\n00:00:00,200 --> 00:00:00,900\nGrüße\n")
    with av.open(str(write_clip(tmp_path / "plain.mkv"))) as film, av.open(str(tmp_path / "a.srt")) as text:
        pictures, sound = film.streams
        said = {"language": "fra", "title": "Secret title"}
        source = join(tmp_path / "a.mkv", (text.streams[0], {"language": "deu"}), (pictures, {}), (sound, said))
    rewrite_film(source, tmp_path / "b.mkv", unchanged)
    assert packets(tmp_path / "b.mkv", "subtitles") == packets(source, "subtitles")
    with av.open(str(tmp_path / "b.mkv")) as ours:
        assert [stream.type for stream in ours.streams] == ["subtitle", "video", "audio"]
        assert [stream.language for stream in ours.streams] == ["deu", None, "fra"]
    assert b"Secret title" not in (tmp_path / "b.mkv").read_bytes()


def private(out: av.container.OutputContainer) -> None:
    out.metadata.update(title="Secret title", location=PLACE, comment="Secret comment")
    out.set_chapters(
        [{"id": 1, "start": 0, "end": 500, "time_base": Fraction(1, 1000), "metadata": {"title": "Secret"}}]
    )


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_what_a_file_says_of_itself_is_left_out_unless_asked_for(tmp_path, suffix):
    source = write_clip(tmp_path / f"a{suffix}", container=private)
    assert all(word in source.read_bytes() for word in (b"Secret title", b"Secret comment", PLACE.encode()))
    rewrite_film(source, tmp_path / f"b{suffix}", unchanged)
    content = (tmp_path / f"b{suffix}").read_bytes()
    assert b"Secret" not in content
    assert PLACE.encode() not in content
    rewrite_film(source, tmp_path / f"c{suffix}", unchanged, keep_metadata=True)
    with av.open(str(tmp_path / f"c{suffix}")) as ours:
        said = {name.lower(): value for name, value in ours.metadata.items()}
        assert (said["title"], said["comment"], said["location"]) == ("Secret title", "Secret comment", PLACE)
        assert [chapter["metadata"]["title"] for chapter in ours.chapters()] == ["Secret"]


@pytest.mark.parametrize("keep", [False, True])
def test_covers_are_left_out(tmp_path, keep):
    """They show the faces."""
    jpeg = cv2.imencode(".jpg", picture(20))[1].tobytes()
    source = write_clip(
        tmp_path / "a.mkv", container=lambda out: out.add_attachment("cover.jpg", "image/jpeg", jpeg), sound=False
    )
    assert jpeg[:500] in source.read_bytes()
    rewrite_film(source, tmp_path / "b.mkv", unchanged, keep_metadata=keep)
    assert b"\xff\xd8\xff" not in (tmp_path / "b.mkv").read_bytes()
    with av.open(str(tmp_path / "b.mkv")) as ours:
        assert [stream.type for stream in ours.streams] == ["video"]


def test_films_of_phones_are_written_upright(tmp_path):
    """Pixels twice as wide as high lie on their side in the file, so they are twice as high when it is upright."""

    def lies(stream):
        stream.set_display_rotation(90)
        stream.codec_context.sample_aspect_ratio = Fraction(2, 1)

    source = write_clip(tmp_path / "a.mp4", pictures=lies)
    rewrite_film(source, tmp_path / "b.mp4", unchanged)
    with av.open(str(tmp_path / "b.mp4")) as ours:
        (stream,) = ours.streams.video
        assert (stream.width, stream.height, stream.sample_aspect_ratio) == (120, 160, Fraction(1, 2))
        assert next(ours.decode(video=0)).rotation == 0
    assert np.abs(first_picture(tmp_path / "b.mp4").astype(int) - first_picture(source)).mean() < 3


# Colour space, range, primaries and transfer as H.264 numbers them; 2 and 0 say nothing.
COLOURS = {"HD": (1, 1, 1, 1), "SD": (6, 1, 6, 6), "full range": (1, 2, 1, 1), "unstated": (2, 0, 2, 2)}


@pytest.mark.parametrize("name", COLOURS)
def test_colours_stay(tmp_path, name):
    """As stated; and as stored, to the level that BGR and back costs."""

    def stated(stream):
        context = stream.codec_context
        context.colorspace, context.color_range, context.color_primaries, context.color_trc = COLOURS[name]

    y, x = np.mgrid[0:120, 0:160]
    ramps = np.stack([x, 2 * y, 255 - x], axis=-1).astype(np.uint8)
    source = write_clip(tmp_path / "a.mp4", draw=lambda i: ramps, pictures=stated, stamps=STEADY[:5], sound=False)
    rewrite_film(source, tmp_path / "b.mp4", unchanged)
    with av.open(str(source)) as theirs, av.open(str(tmp_path / "b.mp4")) as ours:
        context = ours.streams.video[0].codec_context
        assert (context.colorspace, context.color_range, context.color_primaries, context.color_trc) == COLOURS[name]
        planes = [next(container.decode(video=0)).to_ndarray().astype(int) for container in (theirs, ours)]
    difference = planes[1] - planes[0]
    assert np.abs(difference).mean() < 1


def test_a_row_and_column_are_repeated_where_the_size_is_odd(tmp_path):
    """H.264 in 4:2:0 has even sizes alone."""
    source = write_clip(tmp_path / "a.mp4", draw=lambda i: picture(i, width=161, height=121), sound=False)
    rewrite_film(source, tmp_path / "b.mp4", unchanged)
    copy = first_picture(tmp_path / "b.mp4")
    assert copy.shape == (122, 162, 3)
    assert np.abs(copy[:121, :161].astype(int) - first_picture(source)).mean() < 3


@pytest.mark.parametrize(
    ("name", "form"), [("Grüße 12:30.mp4", "mov,mp4"), ("clip", "mov,mp4"), ("a b.MKV", "matroska")]
)
def test_any_name(tmp_path, monkeypatch, name, form):
    monkeypatch.chdir(tmp_path)
    write_clip(tmp_path / "x.mp4", stamps=STEADY[:3]).rename(tmp_path / "clip of ä")
    rewrite_film(Path("clip of ä"), Path(name), unchanged)
    with av.open("file:" + name) as ours:
        assert ours.format.name.startswith(form)
        assert len(list(ours.decode(video=0))) == 3


def test_what_a_container_cannot_hold_is_told(tmp_path):
    source = write_clip(tmp_path / "a.mkv", sound_codec="libopus")
    message = r"b\.mov: expected a container for the sound and subtitles of the source \(opus\), got mov .*\.mkv"
    with pytest.raises(ValueError, match=message):
        rewrite_film(source, tmp_path / "b.mov", unchanged)
    with pytest.raises(ValueError, match=r"b\.avi: expected a name that ends in \.mp4, .*, got \.avi; choose another"):
        rewrite_film(source, tmp_path / "b.avi", unchanged)
    assert [file.name for file in tmp_path.iterdir()] == ["a.mkv"]


def test_a_copy_that_fails_leaves_what_was_there(tmp_path):
    source = write_clip(tmp_path / "a.mp4")
    (tmp_path / "b.mp4").write_text("earlier")

    def fail(frame: Frame) -> np.ndarray:
        if frame.time > 0.5:
            raise KeyboardInterrupt
        return frame.pixels()

    with pytest.raises(KeyboardInterrupt):
        rewrite_film(source, tmp_path / "b.mp4", fail)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.mp4", "b.mp4"]
    assert (tmp_path / "b.mp4").read_text() == "earlier"


KILLED = """
import sys, time
from pathlib import Path
from ultra_face.video.rewriting import rewrite_film

def slowly(frame):
    print(frame.time, flush=True)
    time.sleep(0.05)
    return frame.pixels()

rewrite_film(Path("a.mp4"), Path("b.mp4"), slowly)
"""


def test_killed_midway_no_file_has_the_name_of_the_copy(tmp_path):
    write_clip(tmp_path / "a.mp4", stamps=tuple(512 * i for i in range(300)), draw=lambda i: picture(i % 30))
    with subprocess.Popen([sys.executable, "-c", KILLED], cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            if float(line) >= 4:  # 100 of 300 frames
                process.send_signal(signal.SIGKILL)
                break
    assert process.returncode == -signal.SIGKILL
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.mp4", "b.mp4.part"]
    assert (tmp_path / "b.mp4.part").stat().st_size > 0
