"""Nothing of ours trusts the clock of the machine, which may jump, nor the dates of files."""

from __future__ import annotations

import ast
import os
from pathlib import Path

import pytest

import ultra_face
from ultra_face.data.prepare import prepare_dataset

MODULES = sorted(Path(ultra_face.__file__).parent.rglob("*.py"))
OF_THE_CLOCK = {("time", "time"), ("time", "time_ns"), ("datetime", "now"), ("datetime", "today"), ("date", "today")}


def asks_the_clock(code: str) -> bool:
    calls = [node.func for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
    named = {(call.value.id, call.attr) for call in calls if isinstance(call, ast.Attribute) and _is_name(call.value)}
    from_there = {
        (node.module, alias.name)
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    return bool((named | from_there) & OF_THE_CLOCK)


def _is_name(node: ast.expr) -> bool:
    return isinstance(node, ast.Name)


def test_no_module_asks_what_time_it_is() -> None:
    """Those that measure ask `time.perf_counter`, which never goes back."""
    assert [str(file) for file in MODULES if asks_the_clock(file.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import time\ntime.time()", True),
        ("from time import time", True),
        ("from datetime import datetime\ndatetime.now()", True),
        ("import time\ntime.perf_counter()", False),
    ],
)
def test_every_way_to_ask_is_seen(code: str, expected: bool) -> None:
    assert asks_the_clock(code) is expected


def test_files_of_the_past_and_of_the_future_are_as_good_as_others(retinaface_source, tmp_path):
    output = tmp_path / "prepared"
    prepare_dataset([retinaface_source], output)
    for number, file in enumerate(sorted(path for path in tmp_path.rglob("*") if path.is_file())):
        seconds = 4_000_000_000 if number % 2 else 0  # 2096 and 1970
        os.utime(file, (seconds, seconds))
    report = prepare_dataset([retinaface_source], output)
    assert [split.written_images for split in report.splits.values()] == [0]
    (output / "images" / "train" / "b.jpg").write_bytes(b"another, of the same date")
    os.utime(output / "images" / "train" / "b.jpg", (0, 0))
    report = prepare_dataset([retinaface_source], output)
    assert [split.written_images for split in report.splits.values()] == [1]
