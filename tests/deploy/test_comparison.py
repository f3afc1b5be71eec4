"""What is reported of a float and an INT8 file: rows in words, sizes, and times in turns."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ultra_face.deploy import timing
from ultra_face.deploy.comparison import format_comparison, megabytes, times


def test_the_table_has_a_row_for_each_figure_and_a_dash_for_what_is_unknown() -> None:
    figures = {
        "float": {
            "ap50": {"all": 0.9412}, "by_height": {"0-20 px": 0.5, "50-inf px": None},
            "landmarks": {"nme_box": 0.0443}, "megabytes": 13.65, "ms": {"1": 70.04, "2": 40.0},
        },
        "int8": {
            "ap50": {"all": 0.93}, "by_height": {"0-20 px": 0.25, "50-inf px": None},
            "landmarks": None, "megabytes": 4.77, "ms": {"1": 57.0, "2": 39.96},
        },
    }  # fmt: skip
    assert [line.split() for line in format_comparison(figures).splitlines()] == [
        ["float", "int8"],
        ["AP50,", "%", "94.1", "93.0"],
        ["faces", "of", "0", "to", "20", "px,", "%", "50.0", "25.0"],
        ["faces", "of", "50", "px", "and", "more,", "%", "-", "-"],
        ["landmark", "error,", "%", "of", "the", "box", "4.4", "-"],
        ["size,", "MB", "13.7", "4.8"],
        ["1", "thread,", "ms", "70.0", "57.0"],
        ["2", "threads,", "ms", "40.0", "40.0"],
    ]


def test_a_folder_is_as_large_as_its_files(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "one.bin").write_bytes(bytes(1_500_000))
    (tmp_path / "two.xml").write_bytes(bytes(500_000))
    assert megabytes(tmp_path) == 2.0
    assert megabytes(tmp_path / "two.xml") == 0.5


def test_networks_take_turns_for_each_number_of_threads() -> None:
    seen: list[tuple[str, int]] = []

    def opens(name: str) -> object:
        return lambda threads: lambda images: seen.append((name, threads))

    taken = times({"float": opens("float"), "int8": opens("int8")}, (32, 64))  # type: ignore[dict-item]
    one, two = [("float", 1), ("int8", 1)], [("float", 2), ("int8", 2)]
    assert seen == (timing.RUNS + 1) * one + (timing.RUNS + 1) * two  # the first warms up
    assert {name: list(of_file) for name, of_file in taken.items()} == {"float": ["1", "2"], "int8": ["1", "2"]}


def test_inputs_are_the_same_each_time() -> None:
    images = timing.random_inputs(32, 64)
    assert (images.shape, images.dtype) == ((1, 3, 32, 64), np.float32)
    np.testing.assert_array_equal(images, timing.random_inputs(32, 64))
