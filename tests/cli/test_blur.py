"""`ultra-face blur` with a bright square as the face to hide."""

from __future__ import annotations

import sys
from argparse import ArgumentTypeError
from itertools import count
from math import inf
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from clips import STEADY, brightness, find_square, picture, write_clip

from ultra_face.__main__ import main
from ultra_face.cli import blur
from ultra_face.cli.sources import SourceFile
from ultra_face.detector import FaceDetector


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Run a line of words where the detector finds bright squares; give the exit status."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(blur, "load_detector", lambda options: find_square)

    def run(line: str) -> object:
        monkeypatch.setattr(sys, "argv", ["ultra-face", "blur", *line.split("|"), "--quiet"])
        with pytest.raises(SystemExit) as stopped:
            main()
        return stopped.value.code

    return run


def write_photograph(file: str, image: np.ndarray | None = None) -> None:
    content = cv2.imencode(Path(file).suffix or ".jpg", picture(0) if image is None else image)[1]
    Path(file).parent.mkdir(parents=True, exist_ok=True)
    Path(file).write_bytes(content.tobytes())


def test_photographs_and_videos_of_a_folder(run):
    """Names stay but for containers and formats that are not written; a file without suffix is known by its content."""
    write_photograph("in/Grüße vom See.png")
    write_photograph("in/deep/a.jpg")
    write_clip(Path("in/b.mp4"))
    write_clip(Path("in/c.avi"), sound_codec="mp2")
    write_clip(Path("clip.mp4")).rename("clip of ä")
    write_photograph("photo")
    assert run("in|clip of ä|photo|--recursive|--output|out|--method|fill|--shape|box") == 0
    assert sorted(str(file.relative_to("out")) for file in Path("out").rglob("*.*")) == [
        "Grüße vom See.png", "b.mp4", "c.mkv", "deep/a.jpg",
    ]  # fmt: skip
    for name in ("b.mp4", "c.mkv", "clip of ä"):
        assert max(brightness(Path("out", name))) < 128
        assert len(brightness(Path("out", name))) == 30
    for name in ("Grüße vom See.png", "deep/a.jpg", "photo"):
        assert cv2.imdecode(np.fromfile(Path("out", name), np.uint8), cv2.IMREAD_COLOR).max() < 128


@pytest.mark.parametrize("method", blur.METHODS)
@pytest.mark.parametrize("shape", ["ellipse", "box"])
def test_methods_and_shapes(run, method, shape):
    """What is hidden is 1.5 times as large as the square; every pixel outside is as before."""
    checks = np.indices((120, 160)).sum(axis=0) % 2 * 30
    photograph = picture(0) + checks[..., None].astype(np.uint8)
    write_photograph("a.png", photograph)
    assert run(f"a.png|--output|b.png|--method|{method}|--shape|{shape}|--margin|0.5") == 0
    hidden = cv2.imread("b.png")
    left, top, right, bottom = 0, 30, 60, 90  # round (10, 40, 50, 80)
    outside = np.ones((120, 160), bool)
    outside[top:bottom, left:right] = False
    np.testing.assert_array_equal(hidden[outside], photograph[outside])
    # The middle of a side of the square lies in both shapes, the corner of what is hidden in the box alone.
    assert (hidden[60, 8:52] != photograph[60, 8:52]).any()
    assert (hidden[top, left] == photograph[top, left]).all() == (shape == "ellipse")


def test_what_stays_visible(run):
    write_photograph("a.png")
    write_clip(Path("a.mp4"))
    kept = "--method|fill|--shape|box|--output"
    assert run(f"a.png|{kept}|b.png|--keep-region|0,0,5,5|--keep-region|29,59,31,61") == 0
    np.testing.assert_array_equal(cv2.imread("b.png"), picture(0))
    assert run(f"a.mp4|{kept}|b.mp4|--start|0:00.4|--end|0.8|--hold|0") == 0
    assert [i for i, light in enumerate(brightness(Path("b.mp4"))) if light > 128] == [*range(10), *range(21, 30)]
    assert run(f"a.mp4|{kept}|c.mp4|--keep-region|49,0,70,120|--hold|0") == 0
    assert [i for i, light in enumerate(brightness(Path("c.mp4"))) if light > 128] == list(range(10, 20))


@pytest.mark.parametrize(("words", "kept"), [("", False), ("|--keep-metadata", True)])
def test_metadata(run, words, kept):
    write_clip(Path("a.mp4"), container=lambda out: out.metadata.update(title="Secret title"), stamps=STEADY[:3])
    assert run(f"a.mp4|--output|b.mp4{words}") == 0
    with av.open("b.mp4") as container:
        assert (container.metadata.get("title") == "Secret title") == kept


def test_exit_statuses(run, capsys):
    """No face is success unless asked for; a file that fails stops no other and leaves nothing."""
    empty = np.zeros((60, 80, 3), np.uint8)
    write_photograph("in/a.png", empty)
    write_clip(Path("in/b.mp4"), draw=lambda i: empty, stamps=STEADY[:3], sound=False)
    assert run("in|--output|out") == 0
    assert run("in|--output|out|--overwrite|--fail-if-none") == 3
    assert sorted(file.name for file in Path("out").iterdir()) == ["a.png", "b.mp4"]
    assert run("in|--output|out") == 1
    errors = capsys.readouterr().err.splitlines()
    assert [line.split(": expected")[0] for line in errors] == [
        f"ultra-face blur: in/{name}: out/{name}" for name in ("a.png", "b.mp4")
    ]
    Path("in/c.mp4").write_text("no video")
    Path("in/d.jpg").write_text("no image")
    write_photograph("in/e.png")
    assert run("in|--output|new|--fail-if-none") == 1
    errors = capsys.readouterr().err.splitlines()
    assert [line.split(": expected")[0] for line in errors] == [
        "ultra-face blur: in/c.mp4", "ultra-face blur: in/d.jpg",
    ]  # fmt: skip
    assert sorted(file.name for file in Path("new").iterdir()) == ["a.png", "b.mp4", "e.png"]


def test_without_pyav_photographs_are_done(run, monkeypatch, capsys):
    write_photograph("in/a.png")
    write_clip(Path("in/b.mp4"), stamps=STEADY[:3])
    monkeypatch.setitem(sys.modules, "av", None)
    assert run("in|--output|out") == 1
    assert [file.name for file in Path("out").iterdir()] == ["a.png"]
    assert "in/b.mp4: expected the package av" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "is_image", "expected"),
    [
        ("a.jpg", True, "a.jpg"), ("deep/a.HEIC", True, "deep/a.jpg"), ("a", True, "a"), ("a.b c", True, "a.b c.jpg"),
        ("a.MOV", False, "a.MOV"), ("deep/a.webm", False, "deep/a.mkv"), ("a", False, "a"), ("v1.2", False, "v1.2.mkv"),
    ],
)  # fmt: skip
def test_names_of_copies(monkeypatch, name, is_image, expected):
    monkeypatch.setattr(SourceFile, "is_image", is_image)
    assert blur._copy_name(SourceFile(Path("x"), Path(name))) == Path(expected)


@pytest.mark.parametrize(("text", "expected"), [("90", 90), ("1:30", 90), ("0.5", 0.5), ("1:02:03.25", 3723.25)])
def test_times(text, expected):
    assert blur._seconds(text) == expected


@pytest.mark.parametrize(
    ("read", "text", "message"),
    [
        (blur._seconds, "-1", r"^expected seconds, or minutes:seconds, or hours:minutes:seconds, got '-1'$"),
        (blur._seconds, "1:2:3:4", "got '1:2:3:4'"),
        (blur._region, "1,2,3", r"^expected LEFT,TOP,RIGHT,BOTTOM in px, got '1,2,3'$"),
        (blur._region, "3,2,1,4", r"^expected a region from left to right and from top to bottom, got '3,2,1,4'$"),
    ],
)
def test_words_that_are_refused(read, text, message):
    with pytest.raises(ArgumentTypeError, match=message):
        read(text)


def test_defaults():
    options = blur.parser().parse_args(["a.jpg", "--output", "b"])
    assert (options.conf, options.hold, options.start, options.end, options.margin) == (0.25, 0.5, 0, inf, 0.3)


@pytest.mark.slow
@pytest.mark.data
def test_a_real_film(tmp_path, monkeypatch, shared_data):
    """A pan over a photograph of a group, of which a second look finds nobody in the copy.

    Faces come in at the right and leave at the left. The detector is made blind in every fifth frame.
    """
    monkeypatch.chdir(tmp_path)
    photograph = cv2.imread(str(shared_data / "groups-672" / "images" / "5748ef967f8f.jpg"))
    photograph = cv2.resize(photograph, (1200, 900), interpolation=cv2.INTER_CUBIC)
    write_clip(Path("pan.mp4"), draw=lambda i: np.ascontiguousarray(photograph[100:700, 20 * i : 20 * i + 600]))
    detector, frames = FaceDetector(), count()

    def blind(image):
        return detector(image)[: 0 if next(frames) % 5 == 2 else None]

    monkeypatch.setattr(blur, "load_detector", lambda options: blind)
    monkeypatch.setattr(sys, "argv", ["ultra-face", "blur", "pan.mp4", "--output", "blurred.mp4"])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 0
    times, num_faces, sounds = {}, {}, {}
    for file in ("pan.mp4", "blurred.mp4"):
        with av.open(file) as container:
            pictures = [(frame.time, frame.to_ndarray(format="bgr24")) for frame in container.decode(video=0)]
        times[file] = [time for time, _ in pictures]
        num_faces[file] = [len(detector(image)) for _, image in pictures[::3]]
        with av.open(file) as container:
            sounds[file] = [bytes(packet) for packet in container.demux(audio=0)]
    assert min(num_faces["pan.mp4"]) >= 4
    assert max(num_faces["blurred.mp4"]) == 0
    assert times["blurred.mp4"] == times["pan.mp4"]
    assert sounds["blurred.mp4"] == sounds["pan.mp4"]


@pytest.mark.data
def test_real_photographs(run, monkeypatch, shared_data):
    """No face is found in the copies, and the pixels outside are those of the photographs."""
    monkeypatch.setattr(blur, "load_detector", lambda options: FaceDetector(conf=options.conf))
    detector = FaceDetector()
    names = ["5748ef967f8f", "fec845be6267", "2a8d7deed650"]
    for name in names:
        write_photograph(f"in/{name}.png", cv2.imread(str(shared_data / "groups-672" / "images" / f"{name}.jpg")))
    assert run("in|--output|out|--fail-if-none") == 0
    for name in names:
        before, after = (cv2.imread(f"{folder}/{name}.png") for folder in ("in", "out"))
        faces = detector(before)
        assert len(faces) >= 10
        assert len(detector(after)) == 0
        far = np.ones(before.shape[:2], bool)
        boxes = FaceDetector(conf=0.25)(before).boxes_xyxy
        margin = np.tile((boxes[:, 2:] - boxes[:, :2]) / 4, 2) * [-1, -1, 1, 1]
        for left, top, right, bottom in np.maximum(boxes + margin, 0).astype(int).tolist():
            far[top:bottom, left:right] = False
        np.testing.assert_array_equal(after[far], before[far])
