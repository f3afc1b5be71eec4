"""`ultra-face crop`, and what it shares with `align`: which faces are cut out, their names, and the index of them."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
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

from ultra_face.exchange.rows import COLUMNS
from ultra_face.faces import Faces

ONE, BOTH = squares(TWO[0]), squares(*TWO)


def index(folder: str = "out") -> list[dict[str, str]]:
    with Path(folder, "index.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def crops(folder: str = "out") -> list[str]:
    """The files that are there, which the index must list."""
    there = sorted(str(file.relative_to(folder)) for file in Path(folder).rglob("*") if file.suffix == ".png")
    assert sorted(row["file"] for row in index(folder)) == there
    return there


@pytest.mark.parametrize(
    ("words", "options"),
    [("", {}), ("|--margin|0.25", {"margin": 0.25}), ("|--margin|.5|--square", {"margin": 0.5, "square": True})],
)
def test_crops_are_those_of_faces(run_command, words, options):
    write_image("a.png", BOTH)
    assert run_command(f"crop|a.png|--output|out{words}") == 0
    faces = find_squares(BOTH)
    for row, crop, sharpness in zip(index(), faces.crop(BOTH, **options), faces.sharpness(BOTH), strict=True):
        np.testing.assert_array_equal(read_image(Path("out", row["file"])), crop)
        assert float(row["sharpness"]) == pytest.approx(sharpness, rel=1e-6)
    assert list(index()[0]) == [*COLUMNS, "file", "sharpness"]


def test_names_tell_source_frame_and_face(run_command):
    """The number is that of the face in the rows of `detect`; a suffix stays where it alone tells two inputs apart."""
    write_image("in/Grüße vom See.png", BOTH)
    write_image("in/deep/a.png", ONE)
    write_image("in/IMG_1.jpg", ONE)
    write_film("in/IMG_1.mov", ONE, squares(), BOTH)
    write_image("v1.2", ONE)
    assert run_command("crop|in|v1.2|--recursive|--output|out|--largest|1") == 0
    assert crops() == [
        "Grüße vom See-001.png",
        "IMG_1.jpg-000.png",
        "IMG_1.mov-000000-000.png",
        "IMG_1.mov-000002-001.png",
        "deep/a-000.png",
        "v1.2-000.png",
    ]
    rows = {row["file"]: (row["source"], row["frame"], row["face"]) for row in index()}
    assert rows["Grüße vom See-001.png"] == ("in/Grüße vom See.png", "", "1")
    assert rows["IMG_1.mov-000002-001.png"] == ("in/IMG_1.mov", "2", "1")


def test_which_faces_are_cut_out(run_command):
    """The larger square is number 1, the sharper one number 0; --largest counts among those that are sharp enough."""
    write_image("a.png", BOTH)
    sharper, larger = find_squares(BOTH).sharpness(BOTH)
    between = (sharper + larger) / 2
    assert larger < between < sharper

    def cut(words: str) -> list[str]:
        assert run_command(f"crop|a.png|--output|out{words}|--overwrite") == 0
        return [row["face"] for row in index()]

    assert cut("") == cut("|--largest|2") == cut("|--largest|9") == ["0", "1"]
    assert cut("|--largest|1") == ["1"]
    assert cut(f"|--min-sharpness|{between}") == cut(f"|--min-sharpness|{between}|--largest|1") == ["0"]
    assert cut(f"|--min-sharpness|{2 * sharper}|--fail-if-none") == []  # there are faces, if none that is wanted


def test_faces_without_landmarks_can_be_cropped_but_not_aligned(run_command):
    def find(image: np.ndarray) -> Faces:
        faces = find_squares(image)
        landmarks = faces.landmarks.copy()
        landmarks[0] = np.nan
        return Faces(faces.boxes_xyxy, landmarks, faces.scores)

    write_image("a.png", BOTH)
    assert run_command("crop|a.png|--output|cropped", find) == 0
    assert crops("cropped") == ["a-000.png", "a-001.png"]
    assert run_command("align|a.png|--output|aligned", find) == 0
    assert crops("aligned") == ["a-001.png"]


def test_no_face(run_command):
    write_image("a.png", squares())
    assert run_command("crop|a.png|--output|out") == 0
    assert Path("out/index.csv").read_text() == ",".join([*COLUMNS, "file", "sharpness"]) + "\n"
    assert crops() == []
    assert run_command("crop|a.png|--output|out|--overwrite|--fail-if-none") == 3


def test_an_input_that_fails_leaves_neither_crops_nor_rows(run_command, capsys):
    write_image("in/a.png", ONE)
    write_film("in/b.mp4", ONE, BOTH, WHITE)
    write_image("in/c.png", ONE)
    assert run_command("crop|in|--output|out", fail_in_white) == 1
    assert capsys.readouterr().err == "ultra-face crop: in/b.mp4: expected a picture, got a white one\n"
    assert crops() == ["a-000.png", "c-000.png"]


def test_an_interrupted_run_lists_what_is_there(run_command, capsys):
    write_image("in/a.png", BOTH)
    write_film("in/b.mp4", ONE, WHITE)
    assert run_command("crop|in|--output|out", stop_in_white) == 130
    assert capsys.readouterr().err == "ultra-face crop: interrupted\n"
    assert crops() == ["a-000.png", "a-001.png"]


def test_names_that_two_inputs_share(run_command, capsys):
    """The second one fails, and the crops of the first one stay."""
    write_image("x/a.png", ONE)
    write_image("y/a.png", BOTH)
    assert run_command("crop|x|y|--output|out") == 1
    assert capsys.readouterr().err == (
        "ultra-face crop: y/a.png: expected a name of its own, got out/a-000.png, which another input has; "
        "run them apart, each into a folder of its own\n"
    )
    assert crops() == ["a-000.png"]
    assert [row["source"] for row in index()] == ["x/a.png"]


def test_a_folder_with_crops_is_refused(run_command, capsys):
    write_image("a.png", ONE)
    assert run_command("crop|a.png|--output|out") == 0
    assert run_command("crop|a.png|--output|out") == (
        "ultra-face crop: out/index.csv: expected a folder without crops, got one that has some; choose another, "
        "or add --overwrite"
    )
    Path("out/index.csv").unlink()
    assert run_command("crop|a.png|--output|out") == 1
    assert "a.png: out/a-000.png: expected a new file, got one that exists; add --over" in capsys.readouterr().err
    assert index() == []
    assert Path("out/a-000.png").exists()  # of which nobody said that it may go
    assert run_command("crop|a.png|--output|out|--overwrite") == 0
    assert crops() == ["a-000.png"]


@pytest.mark.parametrize("command", ["align", "crop"])
def test_an_output_beside_its_input(run_command, command):
    """A folder of crops among the photographs is left out in the next run; the folder of these itself is refused."""
    write_image("in/a.png", ONE)
    for words in ("", "|--overwrite"):
        assert run_command(f"{command}|in|--recursive|--output|in/faces{words}") == 0
        assert crops("in/faces") == ["a-000.png"]
    assert run_command(f"{command}|in|--output|in/.") == (
        f"ultra-face {command}: in: expected an output elsewhere, got the folder of the inputs; name one below it"
    )
    assert run_command(f"{command}|in|--output|.") == 0  # a folder above is none of the inputs
    assert sorted(Path().glob("*.*")) == [Path("a-000.png"), Path("index.csv")]
