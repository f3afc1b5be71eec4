from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from ultra_face.formats.result_files import (
    UNFINISHED,
    ResultFileError,
    find_result_files,
    read_predictions,
    read_result_file,
    to_rows,
    write_predictions,
)


@pytest.fixture
def result_file(tmp_path):
    """Write the text of one result file and return its path."""

    def write(text, name="0--Parade/0_Parade_a"):
        path = tmp_path / f"{name}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    return write


def test_floats_are_kept(result_file):
    path = result_file("0_Parade_a\n2\n1.25 -2 30.5 40 0.9\n1 2 0 0 1e-05\n")
    assert_array_equal(read_result_file(path), [[1.25, -2, 30.5, 40, 0.9], [1, 2, 0, 0, 1e-05]])


@pytest.mark.parametrize("header", ["0_Parade_a", "0_Parade_a.jpg", "0--Parade/0_Parade_a.jpg", "anything at all"])
@pytest.mark.parametrize("rows", ["1\n1 2 3 4 0.5", "1\r\n1 2 3 4 0.5\r\n\r\n", "1 \n1\t2  3 4 0.5\n\n"])
def test_harmless_variants(result_file, header, rows):
    path = result_file(f"{header}\n{rows}")
    assert_array_equal(read_result_file(path, other_images={"0_Parade_b"}), [[1, 2, 3, 4, 0.5]])


def test_no_detections(result_file):
    assert read_result_file(result_file("0_Parade_a\n0\n")).shape == (0, 5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"0_Parade_a\.txt:2: expected the number of detections, got the end of the file"),
        ("0_Parade_a\n", r"0_Parade_a\.txt:2: expected the number of detections, got the end of the file"),
        (
            "0_Parade_a\n1 2 3 4 0.5\n",
            r"0_Parade_a\.txt:2: expected the number of detections, got '1 2 3 4 0.5'",
        ),
        ("0_Parade_a\n-1\n", r"0_Parade_a\.txt:2: expected the number of detections, got '-1'"),
        (
            "0_Parade_a\n2\n1 2 3 4 0.5\n",
            r"0_Parade_a\.txt:2: the count says 2 detections, but 1 rows follow",
        ),
        (
            "0_Parade_a\n0\n1 2 3 4 0.5\n",
            r"0_Parade_a\.txt:2: the count says 0 detections, but 1 rows follow",
        ),
        ("0_Parade_a\n1\n1 2 3 4\n", r"0_Parade_a\.txt:3: expected 'x y w h score', got '1 2 3 4'"),
        ("0_Parade_a\n2\n1 2 3 4 1\n1 2 3 4 1 1\n", r"a\.txt:4: expected 'x y w h score', got '1 2 3 4 1 1'"),
        (
            "0_Parade_a\n1\n1 2 3 four 0.5\n",
            r"0_Parade_a\.txt:3: expected 'x y w h score', got '1 2 3 four 0.5'",
        ),
        (
            "0_Parade_a\n1\n1 2 3 nan 0.5\n",
            r"0_Parade_a\.txt:3: expected finite numbers, got '1 2 3 nan 0.5'",
        ),
        ("0_Parade_a\n1\n1 2 3 4 inf\n", r"0_Parade_a\.txt:3: expected finite numbers, got '1 2 3 4 inf'"),
        (
            "a\n2\n1 2 3 4 1\n1 2 -3 4 1\n",
            r"a\.txt:4: expected width and height of 0 or more, got '1 2 -3 4 1'",
        ),
        (
            "0_Parade_b\n0\n",
            r"a\.txt:1: expected the name 0_Parade_a, got 0_Parade_b, which is another image",
        ),
    ],
)
def test_broken_files(result_file, text, message):
    with pytest.raises(ResultFileError, match=message):
        read_result_file(result_file(text), other_images={"0_Parade_a", "0_Parade_b"})


def test_folder(result_file, tmp_path):
    result_file("a\n1\n1 2 3 4 0.5\n", "0--Parade/a")
    result_file("b.jpg\n0\n", "1--Riot/b")
    (tmp_path / "detector.json").write_text("{}")
    predictions = read_predictions(tmp_path)
    assert {name: len(rows) for name, rows in predictions.items()} == {"0--Parade/a": 1, "1--Riot/b": 0}


def test_progress_sees_every_name(result_file, tmp_path):
    result_file("a\n0\n", "0--Parade/a")
    seen = []
    read_predictions(tmp_path, progress=lambda names: (seen.append(name) or name for name in names))
    assert seen == ["0--Parade/a"]


def test_a_file_outside_every_event_keeps_its_odd_name(result_file, tmp_path):
    result_file("x\n0\n", "stray")
    assert list(find_result_files(tmp_path)) == ["stray"]


@pytest.mark.parametrize("make", [lambda folder: None, lambda folder: folder.mkdir()])
def test_folder_without_result_files(tmp_path, make):
    make(tmp_path / "results")
    with pytest.raises(FileNotFoundError, match=r"results: expected one folder an event with one \.txt an image"):
        read_predictions(tmp_path / "results")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_written_files_give_back_the_same_numbers(tmp_path, dtype):
    rows = np.random.default_rng(0).uniform(0, 1000, (50, 5)).astype(dtype)
    write_predictions(tmp_path, {"0--Parade/a.b": rows, "1--Riot/c": rows[:0]})
    again = read_predictions(tmp_path)
    assert_array_equal(again["0--Parade/a.b"].astype(dtype), rows)
    assert again["1--Riot/c"].shape == (0, 5)
    assert (tmp_path / "0--Parade" / "a.b.txt").read_text().startswith("a.b\n50\n")
    assert sorted(path.suffix for path in tmp_path.rglob("*.*")) == [".txt", ".txt"]  # no partial file stays


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (np.zeros((2, 4)), r"0--Parade/b: expected an array \(n, 5\) of x y w h score, got shape \(2, 4\)"),
        (np.array([[0, 0, -1, 1, 0.5]]), r"0--Parade/b: expected width and height of 0 or more in row 0"),
        (np.full((1, 5), np.nan), r"0--Parade/b: expected finite numbers in row 0"),
    ],
)
def test_nothing_is_written_if_one_array_is_broken(tmp_path, rows, message):
    with pytest.raises(ResultFileError, match=message):
        write_predictions(tmp_path, {"0--Parade/a": np.zeros((0, 5)), "0--Parade/b": rows})
    assert list(tmp_path.iterdir()) == []


def test_corners_become_rows():
    rows = to_rows(np.array([[1.5, 2, 4, 8]], np.float32), np.array([0.25], np.float32))
    assert rows.dtype == np.float64
    assert_array_equal(rows, [[1.5, 2, 2.5, 6, 0.25]])


def test_a_flat_folder_is_told_where_its_files_belong(result_file, tmp_path):
    result_file("0_Parade_a\n0\n", "0_Parade_a")
    message = r"expected one folder an event .*, got 1 \.txt and no folder; .* such as 0--Parade/0_Parade_a\.txt$"
    with pytest.raises(ResultFileError, match=message):
        read_predictions(tmp_path)


@pytest.mark.parametrize("text", ["0 0.5 0.5 0.1 0.1 0.9\n", "0 0.5 0.5 0.1 0.1\n0 0.1 0.1 0.1 0.1\n", ""])
def test_text_files_of_yolo_are_told_what_result_files_hold(result_file, tmp_path, text):
    result_file(text)
    message = (
        r"a\.txt:2: expected the number of detections, .*; a file holds the image's name, a count, and rows 'x y w h"
    )
    with pytest.raises(ResultFileError, match=message):
        read_predictions(tmp_path)


def test_event_folders_of_an_unfinished_run(result_file, tmp_path):
    result_file("a\n0\n", "0--Parade/a")
    result_file("b\n0\n", f"1--Riot{UNFINISHED}/b")
    with pytest.raises(ResultFileError, match=r"got 1--Riot\.part of one that is not; run the same command again"):
        read_predictions(tmp_path)
