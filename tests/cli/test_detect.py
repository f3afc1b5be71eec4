"""`ultra-face detect` with bright squares as faces, and on real photographs."""

from __future__ import annotations

import csv
import json
import os
import sys
from pathlib import Path

import numpy as np
import polars
import pytest
from squares import (
    TWO,
    WHITE,
    fail_in_white,
    find_squares,
    read_image,
    squares,
    stop_in_white,
    write_film,
    write_image,
)

from ultra_face import FaceDetector
from ultra_face.exchange.rows import COLUMNS

ONE, NONE = squares(TWO[0]), squares()


def read_rows(file: str | Path) -> list[dict[str, object]]:
    """The rows of a file of any of the three forms, with the types of the columns."""
    file = Path(file)
    if file.suffix == ".parquet":
        return polars.read_parquet(file).to_dicts()
    if file.suffix == ".jsonl":
        return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    with file.open(encoding="utf-8", newline="") as stream:
        return [
            {name: COLUMNS[name](cell) if cell else None for name, cell in row.items()}
            for row in csv.DictReader(stream)
        ]


@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet"])
def test_rows_of_photographs_and_videos(run_command, form):
    """Of names with spaces, umlauts and no suffix, with a picture without faces between."""
    write_image("in/Grüße vom See.png", squares(*TWO))
    write_image("in/empty.png", NONE)
    write_film("in/film.mp4", ONE, NONE, ONE)
    write_image("photograph", ONE)
    assert run_command(f"detect|in|photograph|--output|rows/faces.{form}") == 0
    rows = read_rows(f"rows/faces.{form}")
    named = [(row["source"], row["frame"], row["face"]) for row in rows]
    assert named == [
        ("in/Grüße vom See.png", None, 0),
        ("in/Grüße vom See.png", None, 1),
        ("in/film.mp4", 0, 0),
        ("in/film.mp4", 2, 0),
        ("photograph", None, 0),
    ]
    assert all(list(row) == list(COLUMNS) for row in rows)
    boxes = [tuple(row[name] for name in ("x_min", "y_min", "x_max", "y_max")) for row in rows]
    assert boxes[:2] == [(10, 20, 50, 60), (80, 50, 140, 110)]  # the squares, by their corners and sides
    np.testing.assert_allclose(boxes[2:], [boxes[0]] * 3, atol=2)  # the codec moves edges a little
    assert {(row["image_width"], row["image_height"], row["score"], row["track_id"]) for row in rows} == {
        (160, 120, 0.75, None)
    }
    assert [file.name for file in Path("rows").iterdir()] == [f"faces.{form}"]


def test_no_face_is_success_and_leaves_what_says_so(run_command):
    write_image("a.png", NONE)
    for form in ("jsonl", "csv", "parquet"):
        assert run_command(f"detect|a.png|--output|faces.{form}") == 0
        assert run_command(f"detect|a.png|--output|faces.{form}|--overwrite|--fail-if-none") == 3
    assert Path("faces.jsonl").read_text() == ""
    assert Path("faces.csv").read_text() == ",".join(COLUMNS) + "\n"
    kinds = {str: polars.String, int: polars.Int64, float: polars.Float64}
    assert polars.read_parquet("faces.parquet").schema == {name: kinds[kind] for name, kind in COLUMNS.items()}


def test_standard_output_has_rows_alone(run_command, capsys):
    """Whatever else is printed goes elsewhere, such as what Ultralytics says."""

    def talk(image):
        print("hello")
        return find_squares(image)

    write_image("a.png", squares(*TWO))
    write_image("b.png", ONE)
    for form, words in (("jsonl", ""), ("jsonl", "|--format|jsonl"), ("csv", "|--format|csv")):
        assert run_command(f"detect|a.png|b.png|--output|faces.{form}|--overwrite") == 0
        capsys.readouterr()
        assert run_command(f"detect|a.png|b.png|--output|-{words}", talk) == 0
        printed = capsys.readouterr()
        assert printed.out == Path(f"faces.{form}").read_text()
        assert printed.err == "hello\n" * 2
    assert not Path("-").exists()


def test_a_reader_that_has_had_enough_ends_the_program(run_command, monkeypatch):
    """As `ultra-face detect ... | head -1` does."""
    reading, writing = os.pipe()
    os.close(reading)
    write_image("a.png", ONE)
    with os.fdopen(writing, "w") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        assert run_command("detect|a.png|--output|-") == 141


@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet"])
def test_an_input_that_fails_leaves_no_rows(run_command, capsys, form):
    """Not those of its first frames either."""
    write_image("in/a.png", ONE)
    write_film("in/b.mp4", ONE, ONE, WHITE, ONE)
    Path("in/c.jpg").write_text("no image")
    write_image("in/d.png", ONE)
    assert run_command(f"detect|in|--output|faces.{form}", fail_in_white) == 1
    assert [row["source"] for row in read_rows(f"faces.{form}")] == ["in/a.png", "in/d.png"]
    assert capsys.readouterr().err.splitlines() == [
        "ultra-face detect: in/b.mp4: expected a picture, got a white one",
        "ultra-face detect: in/c.jpg: expected an image, got a file that does not decode as one; check it",
    ]


@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet"])
def test_an_interruption_leaves_no_file_but_the_rows_that_are_out(run_command, capsys, form):
    write_image("a.png", ONE)
    write_image("b.png", WHITE)
    assert run_command(f"detect|a.png|b.png|--output|rows/faces.{form}", stop_in_white) == 130
    assert list(Path("rows").iterdir()) == []
    if form != "parquet":
        capsys.readouterr()
        assert run_command(f"detect|a.png|b.png|--output|-|--format|{form}", stop_in_white) == 130
        printed = capsys.readouterr()
        assert len(printed.out.splitlines()) == (2 if form == "csv" else 1)
        assert printed.err == "ultra-face detect: interrupted\n"


def test_files_that_exist_stay(run_command):
    write_image("a.png", ONE)
    Path("faces.csv").write_text("mine")
    message = "ultra-face detect: faces.csv: expected a new file, got one that exists; add --overwrite to replace it"
    assert run_command("detect|a.png|--output|faces.csv") == message
    assert Path("faces.csv").read_text() == "mine"
    assert run_command("detect|a.png|--output|faces.csv|--overwrite") == 0
    assert len(read_rows("faces.csv")) == 1


def test_without_polars_parquet_is_refused_before_the_work(run_command, monkeypatch):
    monkeypatch.setitem(sys.modules, "polars", None)
    write_image("a.png", ONE)
    message = "ultra-face detect: rows as Parquet: expected the package polars, which is not installed; run `pip inst"
    assert str(run_command("detect|a.png|--output|faces.parquet", stop_in_white)).startswith(message)
    assert not Path("faces.parquet").exists()


def test_faces_are_drawn_into_copies_of_images(run_command, capsys):
    """Two that differ in their suffix alone keep it; videos have none, and the next run does not look at the copies."""
    write_image("in/a.png", squares(*TWO))
    write_image("in/a.jpg", ONE)
    write_image("in/deep/ä b.png", ONE)
    write_film("in/film.mp4", ONE)
    line = "detect|in|--recursive|--output|in/faces.csv|--draw|in/drawn"
    assert run_command(line) == 0
    drawn = sorted(str(file.relative_to("in/drawn")) for file in Path("in/drawn").rglob("*.*"))
    assert drawn == ["a.jpg.jpg", "a.png.jpg", "deep/ä b.jpg"]
    before, after = read_image("in/a.png").astype(int), read_image("in/drawn/a.png.jpg")
    assert np.abs(after[18:23, 10:50] - before[18:23, 10:50]).max() > 60  # the upper side of the first box
    assert np.abs(after[:10, 100:] - before[:10, 100:]).max() < 10  # far from both, but for JPEG
    num_rows = len(read_rows("in/faces.csv"))
    assert run_command(f"{line}|--overwrite") == 0
    assert len(read_rows("in/faces.csv")) == num_rows == 5
    Path("in/faces.csv").unlink()
    capsys.readouterr()
    assert run_command(line) == 1
    errors = capsys.readouterr().err.splitlines()
    assert [error.split(": expected")[0] for error in errors] == [
        f"ultra-face detect: in/{name}: in/drawn/{copy}"
        for name, copy in (("a.jpg", "a.jpg.jpg"), ("a.png", "a.png.jpg"), ("deep/ä b.png", "deep/ä b.jpg"))
    ]
    assert {row["source"] for row in read_rows("in/faces.csv")} == {"in/film.mp4"}  # the listed ones have no rows


@pytest.mark.data
def test_a_real_photograph(run_command, shared_data):
    """The rows are what FaceDetector finds."""
    photograph = shared_data / "groups-672" / "images" / "5748ef967f8f.jpg"
    assert run_command(f"detect|{photograph}|--output|faces.jsonl", None) == 0
    faces = FaceDetector()(photograph)
    assert len(faces) >= 10
    assert read_rows("faces.jsonl") == faces.to_rows()
