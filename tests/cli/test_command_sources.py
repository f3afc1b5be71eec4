"""What commands that look for faces share: which files they take, where they write, and what they say of failures."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path

import cv2
import numpy as np
import pytest
from clips import STEADY, write_clip

from ultra_face.cli import sources
from ultra_face.cli.outputs import Outputs
from ultra_face.cli.sources import (
    Inputs,
    SourceFile,
    add_options,
    detector_settings,
    find_inputs,
    work_through,
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with empty files."""
    monkeypatch.chdir(tmp_path)
    for name in (
        "in/b.jpg", "in/a.PNG", "in/clip.mp4", "in/notes.txt", "in/.hidden.jpg", "in/deep/c.jpg", "in/.cache/d.jpg",
        "in/deep/out/e.jpg", "x y ü.webp", "plain",
    ):  # fmt: skip
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()
    return tmp_path


def options(line: str) -> Namespace:
    return add_options(ArgumentParser("ultra-face look"), output="file or folder").parse_args(line.split("|"))


def found(line: str) -> list[str]:
    return [str(file.path) for file in find_inputs(options(f"{line}|--output|in/deep/out")).files]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("in", ["in/a.PNG", "in/b.jpg", "in/clip.mp4"]),
        ("in|--recursive", ["in/a.PNG", "in/b.jpg", "in/clip.mp4", "in/deep/c.jpg"]),  # not its own output
        ("in/*.jpg|in/deep/c.jpg", ["in/b.jpg", "in/deep/c.jpg"]),
        ("in/**/*.jpg", ["in/b.jpg", "in/deep/c.jpg", "in/deep/out/e.jpg"]),
        ("in/b.jpg|in|in/b.jpg", ["in/b.jpg", "in/a.PNG", "in/clip.mp4"]),
        ("plain|x y ü.webp|in/notes.txt", ["plain", "x y ü.webp", "in/notes.txt"]),  # what is named is tried
    ],
)
def test_which_files_are_taken(folder, line, expected):
    assert found(line) == expected


def test_names_below_a_folder_stay(folder):
    names = [str(file.name) for file in find_inputs(options("in|plain|--recursive|--output|out")).files]
    assert names == ["a.PNG", "b.jpg", "clip.mp4", "deep/c.jpg", "deep/out/e.jpg", "plain"]


def test_what_is_not_there_is_listed(folder):
    inputs = find_inputs(options("no.jpg|in/b.jpg|in/deep/out/*.png|--output|out"))
    assert [str(file.path) for file in inputs.files] == ["in/b.jpg"]
    assert [failure.split(":")[0] for failure in inputs.failures] == ["no.jpg", "in/deep/out/*.png"]
    with pytest.raises(FileNotFoundError, match=r"^no: expected an image, a video or a folder, got nothing there; che"):
        find_inputs(options("no|--output|out"))
    with pytest.raises(FileNotFoundError, match=r"^\.: expected images or videos in this folder, got none; --rec"):
        find_inputs(options(".|--output|x y ü.webp"))


def outputs(line: str) -> list[str]:
    asked = options(line)
    inputs = find_inputs(asked)
    where = Outputs.of(asked, inputs)
    return [str(where.claim(file, file.name)) for file in inputs.files]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("in/b.jpg|--output|out", ["out/b.jpg"]),
        ("in/b.jpg|--output|out.png", ["out.png"]),
        ("./in/b.jpg|--output|out.png", ["out.png"]),
        ("in/b.jpg|--output|in/deep", ["in/deep/b.jpg"]),
        ("in/b.jpg|plain|--output|out.d", ["out.d/b.jpg", "out.d/plain"]),
        ("in/deep|--recursive|--output|out", ["out/c.jpg", "out/out/e.jpg"]),
    ],
)
def test_where_outputs_go(folder, line, expected):
    assert outputs(line) == expected


def test_a_file_for_several_inputs_is_a_wrong_word(folder, capsys):
    with pytest.raises(SystemExit) as stopped:
        outputs("in/b.jpg|plain|--output|out.jpg")
    assert stopped.value.code == 2
    assert "--output: expected a folder for 2 inputs, got out.jpg" in capsys.readouterr().err


def test_outputs_that_would_destroy_something_are_refused(folder):
    with pytest.raises(ValueError, match=r"^in/b\.jpg: expected an output elsewhere, got the input itself"):
        outputs("in/b.jpg|--overwrite|--output|in")
    with pytest.raises(FileExistsError, match=r"^in/a\.PNG: expected a new file, got one that exists; add --overwrite"):
        outputs("in/b.jpg|--output|in/a.PNG")
    assert outputs("in/b.jpg|--overwrite|--output|in/a.PNG") == ["in/a.PNG"]
    Path("other").mkdir()
    Path("other/b.jpg").touch()
    with pytest.raises(FileExistsError, match=r"^other/b\.jpg: expected a name of its own, got out/b\.jpg, which"):
        outputs("in/b.jpg|other/b.jpg|--output|out")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", {}),
        ("|--tile|auto|--rotate|0,90|--scales|320,960", {"tile": "auto", "rotate": (0, 90), "scales": (320, 960)}),
        (
            "|--model|a.onnx|--conf|0.2|--iou|0.4|--imgsz|960|--tile|640|--device|cpu",
            {"model": "a.onnx", "conf": 0.2, "iou": 0.4, "imgsz": 960, "tile": 640, "device": "cpu"},
        ),
    ],
)
def test_settings_of_the_detector_are_those_given(line, expected):
    assert detector_settings(options(f"a.jpg|--output|b{line}")) == expected


@pytest.mark.parametrize("text", ["45", "0,45", "", "x"])
def test_turns_are_right_angles(text):
    with pytest.raises(ArgumentTypeError, match=f"^expected some of 0, 90, 180, 270, such as 0,90, got '{text}'$"):
        sources._turns(text)


@pytest.mark.parametrize(
    ("line", "num_faces", "failures", "expected"),
    [
        ("", 2, {}, 0),
        ("", 0, {}, 0),  # no face is no failure
        ("|--fail-if-none", 0, {}, 3),
        ("|--fail-if-none", 1, {}, 0),
        ("", 2, {"b.jpg": ValueError("in/b.jpg: odd")}, 1),
        ("|--fail-if-none", 0, {"b.jpg": ValueError("in/b.jpg: odd")}, 1),
    ],
)
def test_what_fails_is_listed_and_the_others_are_done(folder, capsys, line, num_faces, failures, expected):
    done = []

    def work(file: SourceFile) -> int:
        if file.path.name in failures:
            raise failures[file.path.name]
        done.append(file.path.name)
        return num_faces

    asked = options(f"in|--output|out|--quiet{line}")
    assert work_through(find_inputs(asked), asked, work) == expected
    assert done == [name for name in ("a.PNG", "b.jpg", "clip.mp4") if name not in failures]
    assert capsys.readouterr().err == "".join(f"ultra-face look: {error}\n" for error in failures.values())


def test_each_failure_names_its_file(folder, capsys):
    """Sentences of others, too, and what was not found at all."""
    errors = iter([OSError(13, "Permission denied", "out"), ModuleNotFoundError("install it"), KeyboardInterrupt])

    def work(file: SourceFile) -> int:
        raise next(errors)

    asked = options("in|--output|out|--quiet")
    with pytest.raises(KeyboardInterrupt):
        work_through(Inputs(find_inputs(asked).files, ["no: nothing"]), asked, work)
    assert capsys.readouterr().err.splitlines() == [
        "ultra-face look: no: nothing",
        "ultra-face look: in/a.PNG: out: permission denied; check the path and its permissions",
        "ultra-face look: in/b.jpg: install it",
    ]


def test_faults_of_the_program_are_none_of_the_input(folder):
    def work(file: SourceFile) -> int:
        raise KeyError("fault")

    asked = options("in|--output|out|--quiet")
    with pytest.raises(KeyError, match="fault"):
        work_through(find_inputs(asked), asked, work)


def test_progress_goes_to_standard_error(folder, capsys):
    for line, shown in (("", True), ("|--quiet", False)):
        asked = options(f"in|--output|out{line}")
        work_through(find_inputs(asked), asked, lambda file: 1)
        printed = capsys.readouterr()
        assert printed.out == ""
        assert ("files:" in printed.err) == shown


def test_content_tells_what_a_name_does_not(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((8, 8, 3), np.uint8))
    (tmp_path / "a.png").rename(tmp_path / "photograph")
    write_clip(tmp_path / "a.mp4", stamps=STEADY[:2], sound=False).rename(tmp_path / "clip.of.ü")
    kinds = {name: SourceFile(tmp_path / name, Path(name)).is_image for name in ("photograph", "clip.of.ü")}
    assert kinds == {"photograph": True, "clip.of.ü": False}
    assert SourceFile(Path("no.JPG"), Path("no.JPG")).is_image
    assert not SourceFile(Path("no.MP4"), Path("no.MP4")).is_image


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("in", ["a.csv", "b.csv", "clip.csv"]),
        ("plain|x y ü.webp|in/notes.txt", ["plain.csv", "x y ü.csv", "notes.txt.csv"]),  # no suffix of an image
        ("in|b.mp4|b.png", ["a.csv", "b.jpg.csv", "clip.csv", "b.mp4.csv", "b.png.csv"]),
        ("in|same", ["a.csv", "b.csv", "clip.csv", "b.csv"]),  # of which the second is refused when it is claimed
    ],
)
def test_names_of_what_is_made_of_inputs(folder, line, expected):
    for name in ("b.mp4", "b.png", "same/b.jpg"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).touch()
    inputs = find_inputs(options(f"{line}|--output|out"))
    assert [str(inputs.name(file, ".csv")) for file in inputs.files] == expected


def test_videos_alone(folder):
    """Of folders; what is named is tried."""
    inputs = find_inputs(options("in|in/b.jpg|--output|out"), videos_only=True)
    assert [str(file.path) for file in inputs.files] == ["in/clip.mp4", "in/b.jpg"]
    with pytest.raises(FileNotFoundError, match=r"^in/deep: expected videos in this folder, got none; --recursive"):
        find_inputs(options("in/deep|--output|out"), videos_only=True)


def test_what_the_command_writes_is_not_read(folder):
    asked = options("in|--recursive|--output|rows.csv")
    inputs = find_inputs(asked, written=[Path("in/deep/out")])
    assert [str(file.path) for file in inputs.files] == ["in/a.PNG", "in/b.jpg", "in/clip.mp4", "in/deep/c.jpg"]
    assert found("in/deep|--output|in") == ["in/deep/c.jpg"]  # into a folder above
    with pytest.raises(ValueError, match=r"^in: expected an output elsewhere, got the folder of the inputs; name one"):
        find_inputs(options("in|--output|in/../in"))


@pytest.mark.parametrize("place", ["-", "faces.csv", "faces.PNG", "clip.mkv", "plain"])
def test_places_that_are_no_folders_are_wrong_words(folder, capsys, place):
    asked = options("in|--output|out")
    with pytest.raises(SystemExit) as stopped:
        Outputs.folder(asked, Path(place), "--draw")
    assert stopped.value.code == 2
    assert f"error: --draw: expected a folder, got {place}\n" in capsys.readouterr().err


def test_a_folder_may_have_any_name(folder):
    Path("faces.csv").mkdir()
    for place in ("new", "v1.2", "faces.csv"):
        assert not Outputs.folder(options("in|--output|out"), Path(place)).is_file


def test_all_or_none(folder):
    """What a block has claimed goes if it fails, and may be claimed again; what was there before it stays."""
    where = Outputs(Path("out"), is_file=False, overwrite=False)
    file = SourceFile(Path("in/b.jpg"), Path("b.jpg"))
    Path("out").mkdir()
    with where.all_or_none():
        where.claim(file, Path("first")).touch()

    def fail() -> None:
        with where.all_or_none():
            where.claim(file, Path("second")).touch()
            where.claim(file, Path("never written"))
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert [path.name for path in Path("out").iterdir()] == ["first"]
    assert set(where.taken) == {Path("out/first")}
