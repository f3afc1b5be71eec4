"""`ultra-face track` with bright squares as faces, and on a real film; and that `blur --spare-ids` takes its ids."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import polars
import pytest
from clips import brightness
from squares import WHITE, fail_in_white, find_squares, read_image, squares, stop_in_white, write_film, write_image
from test_detect import read_rows

from ultra_face.exchange.rows import COLUMNS
from ultra_face.faces import Faces


def frame(i: int, *, strength: int = 10) -> np.ndarray:
    """A square that goes right, and below it one that comes in frame 4 and goes left."""
    second = [(200 - 4 * i, 100, 48, 10)] * (i >= 4)
    return squares((10 + 4 * i, 20, 40, strength), *second, width=256, height=176)


def ids_of(file: str | Path) -> dict[int, list[int]]:
    """The ids of the faces of each frame, from top to bottom."""
    ids: dict[int, list[int]] = {}
    for row in read_rows(file):
        ids.setdefault(row["frame"], []).append(row["track_id"])
    return ids


@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet"])
def test_rows_have_an_id_for_each_person(run_command, form):
    """The second one is sure when it is seen again; its first row is there all the same."""
    write_film("a b.mp4", *(frame(i) for i in range(10)))
    assert run_command(f"track|a b.mp4|--output|out|--format|{form}") == 0
    assert ids_of(f"out/a b.{form}") == {
        **{i: [1] for i in range(4)},
        4: [1, -1],
        **{i: [1, 2] for i in range(5, 10)},
    }
    rows = read_rows(f"out/a b.{form}")
    assert all(list(row) == list(COLUMNS) for row in rows)
    np.testing.assert_allclose([row["x_min"] for row in rows if row["track_id"] == 1], 10 + 4 * np.arange(10), atol=2)


def test_each_person_has_the_sharpest_of_its_crops(run_command):
    """The first one is sharp in frame 5 alone."""
    write_film("a.mp4", *(frame(i, strength=50 if i == 5 else 0) for i in range(8)))
    seen = []

    def find(image: np.ndarray) -> Faces:
        seen.append(image.copy())
        return find_squares(image)

    assert run_command("track|a.mp4|--output|out", find) == 0
    assert sorted(file.name for file in Path("out/a").iterdir()) == ["person-0001.png", "person-0002.png"]
    (crop, *_) = find_squares(seen[5]).align(seen[5])
    np.testing.assert_array_equal(read_image("out/a/person-0001.png"), crop)
    assert int(np.ptp(crop)) > 30  # the pattern shows


def test_videos_of_a_folder(run_command, capsys):
    """Each counts from 1. Images of a folder are left out, one that is named is told where it belongs."""
    write_film("in/a.mp4", *(frame(i) for i in range(3)))
    write_film("in/a.mov", *(frame(i) for i in range(6, 9)))
    write_film("in/deep/Grüße.mp4", *(squares() for _ in range(3)))
    write_image("in/photo.png", frame(0))
    assert run_command("track|in|--recursive|--output|out") == 0
    files = sorted(str(file.relative_to("out")) for file in Path("out").rglob("*.*"))
    assert files == [
        "a.mov", "a.mov.jsonl", "a.mov/person-0001.png", "a.mov/person-0002.png",
        "a.mp4", "a.mp4.jsonl", "a.mp4/person-0001.png", "deep/Grüße.jsonl",
    ]  # fmt: skip
    assert ids_of("out/a.mov.jsonl")[2] == [1, 2]
    assert ids_of("out/a.mp4.jsonl")[2] == [1]
    assert Path("out/deep/Grüße.jsonl").read_text() == ""
    assert run_command("track|in/photo.png|in/a.mp4|--output|other") == 1
    message = "ultra-face track: in/photo.png: expected a video, got an image; use `ultra-face detect`\n"
    assert capsys.readouterr().err == message
    assert Path("other/a.jsonl").exists()
    assert run_command("track|in/deep/../photos|--output|other") == (
        "ultra-face track: in/deep/../photos: expected an image, a video or a folder, got nothing there; check the path"
    )
    Path("empty").mkdir()
    write_image("empty/photo.png", frame(0))
    assert run_command("track|empty|--output|other") == (
        "ultra-face track: empty: expected videos in this folder, got none; --recursive looks into folders below too"
    )


def test_no_face_leaves_the_schema(run_command):
    write_film("a.mp4", squares(), squares())
    assert run_command("track|a.mp4|--output|out|--format|parquet|--fail-if-none") == 3
    table = polars.read_parquet("out/a.parquet")
    assert (table.columns, len(table)) == (list(COLUMNS), 0)
    assert not Path("out/a").exists()


@pytest.mark.parametrize(("find", "status"), [(fail_in_white, 1), (stop_in_white, 130)])
def test_a_video_that_fails_leaves_neither_rows_nor_crops(run_command, find, status):
    write_film("a.mp4", *(frame(i) for i in range(3)))
    write_film("b.mp4", *(frame(i) for i in range(3)), cv2.resize(WHITE, (256, 176)))
    assert run_command("track|a.mp4|b.mp4|--output|out", find) == status
    assert sorted(file.name for file in Path("out").rglob("*.*")) == ["a.jsonl", "person-0001.png"]


def test_what_exists_stays_unless_asked(run_command, capsys):
    """Before the work, and crops of people who are no longer found go with --overwrite."""
    write_film("a.mp4", *(frame(i) for i in range(8)))
    assert run_command("track|a.mp4|--output|out") == 0
    assert len(list(Path("out/a").iterdir())) == 2
    assert run_command("track|a.mp4|--output|out", stop_in_white) == 1
    Path("out/a.jsonl").unlink()
    assert run_command("track|a.mp4|--output|out", stop_in_white) == 1
    first, second = capsys.readouterr().err.splitlines()
    message = "a.mp4: out/a: expected a folder without crops, got one that has some; choose another, or add --overwrite"
    assert first == second == f"ultra-face track: {message}"
    Path("out/a/mine.png").touch()
    write_film("a.mp4", *(frame(i) for i in range(3)))
    assert run_command("track|a.mp4|--output|out|--overwrite") == 0
    assert sorted(file.name for file in Path("out/a").iterdir()) == ["mine.png", "person-0001.png"]
    write_film("b.mp4", squares())
    assert run_command("track|b.mp4|--output|out") == 0
    assert run_command("track|b.mp4|--output|out") == 1
    assert "b.mp4: out/b.jsonl: expected a new file, got one that exists" in capsys.readouterr().err


def test_without_lap_the_remedy_is_named(run_command, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "lap", None)
    write_film("a.mp4", frame(0))
    assert run_command("track|a.mp4|--output|out") == 1
    assert capsys.readouterr().err == (
        "ultra-face track: a.mp4: expected the package lap, without which nobody is tracked, got none; "
        "install it with pip install 'ultra-face[video]'\n"
    )
    assert not Path("out").exists()


@pytest.mark.parametrize("words", ["", "|--start|0.28", "|--start|0.2|--end|0.36"])
def test_blur_spares_whom_track_names_so(run_command, words):
    """Also where it begins to hide later: the first square has gone by then, and the second one stays number 2."""

    def picture(i: int) -> np.ndarray:
        first = [(10 + 4 * i, 20, 40, 10)] * (i < 6)
        second = [(200 - 4 * i, 100, 48, 10)] * (i >= 4)
        return squares(*first, *second, width=256, height=176)

    write_film("a.mp4", *(picture(i) for i in range(12)))
    assert run_command("track|a.mp4|--output|out") == 0
    assert ids_of("out/a.jsonl")[9] == [2]
    blur = f"blur|a.mp4|--method|fill|--shape|box|--hold|0{words}"
    assert run_command(f"{blur}|--spare-ids|2|--output|spared.mp4") == 0
    assert min(brightness(Path("spared.mp4"))[7:]) > 128
    assert run_command(f"{blur}|--spare-ids|1|--output|hidden.mp4") == 0
    assert max(brightness(Path("hidden.mp4"))[7:9]) < 128


def test_ids_are_of_one_video(run_command, capsys):
    """Number 1 of another one is somebody else; photographs have no ids."""
    write_film("in/a.mp4", frame(0), frame(1))
    write_film("in/b.mp4", frame(0), frame(1))
    write_image("photo.png", frame(0))
    assert run_command("blur|in|--spare-ids|1|--output|out") == 2
    message = "error: --spare-ids: expected one video, as each has ids of its own; run them one by one\n"
    assert capsys.readouterr().err.endswith(message)
    assert run_command("blur|in/a.mp4|photo.png|--spare-ids|1|--output|out") == 0


@pytest.mark.data
def test_a_real_film(run_command, shared_data):
    """A pan over a photograph of a group, 12 px a frame: so does everybody move who has an id."""
    photograph = cv2.imread(str(shared_data / "groups-672" / "images" / "5748ef967f8f.jpg"))
    photograph = cv2.resize(photograph, (1200, 900), interpolation=cv2.INTER_CUBIC)
    write_film("pan.mp4", *(np.ascontiguousarray(photograph[100:700, 12 * i : 12 * i + 900]) for i in range(8)))
    assert run_command("track|pan.mp4|--output|out", None) == 0
    ways: dict[int, list[tuple[float, float]]] = {}
    rows = read_rows("out/pan.jsonl")
    for row in rows:
        if row["track_id"] != -1 and row["x_min"] > 10 and row["x_max"] < 890:  # cut by no border
            ways.setdefault(row["track_id"], []).append((row["frame"], (row["x_min"] + row["x_max"]) / 2))
    long_ways = [np.array(way) for way in ways.values() if len(way) >= 6]
    assert len(long_ways) >= 4
    for way in long_ways:
        (_, first), (_, last) = way[0], way[-1]
        speed = (last - first) / (way[-1, 0] - way[0, 0])
        assert speed == pytest.approx(-12, abs=1)
    people = {f"person-{row['track_id']:04d}" for row in rows if row["track_id"] != -1}
    assert {file.stem for file in Path("out/pan").iterdir()} == people
