"""What docs/bulk.md says is so: its lines are understood, its code runs, its tables are those of the code."""

from __future__ import annotations

import re
from pathlib import Path

import polars
import pyarrow as pa
import pytest
from pyarrow import parquet
from some_faces import some_faces

from ultra_face.bulk.job import ROWS_PER_FILE
from ultra_face.bulk.rows import FACE, SCHEMA, Origin, to_table
from ultra_face.cli import bulk
from ultra_face.cli.sources import DETECTOR_SETTINGS


@pytest.fixture(scope="module")
def page(repository: Path) -> str:
    return (repository / "docs" / "bulk.md").read_text(encoding="utf-8")


def test_lines_are_understood(page: str) -> None:
    lines = re.findall(r"^    ultra-face bulk (.+)$", page, re.MULTILINE)
    assert len(lines) == 2
    for line in lines:
        bulk.parser().parse_args(line.split())


def test_options_are_those_of_the_command(page: str) -> None:
    """Those of the detector have their page."""
    options = {option for action in bulk.parser()._actions for option in action.option_strings if option[:2] == "--"}
    named = set(re.findall(r"--[a-z][a-z-]+", page)) - {
        "--head",
        "--port",
        "--photographs",
    }  # of `ray` and the benchmark
    assert named <= options
    assert options - {"--help", "--quiet", "--trust", *(f"--{name}" for name in DETECTOR_SETTINGS)} <= named
    assert f"of {ROWS_PER_FILE:,} rows each" in page


def test_the_columns_are_those_of_the_rows(page: str) -> None:
    (table,) = re.findall(r"^\| column \| type \| \|\n\| --- \| --- \| --- \|\n((?:\|.*\n)+)", page, re.MULTILINE)
    assert [name for row in table.splitlines() for name in re.findall(r"`(\w+)`", row.split("|")[1])] == SCHEMA.names
    assert [field.name for field in FACE][:5] == ["score", "x_min", "y_min", "x_max", "y_max"]


def test_links_lead_to_files(page: str, repository: Path) -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)[^)]*\)", page) if "://" not in link]
    assert links
    assert [link for link in links if not (repository / "docs" / link).exists()] == []


def test_rows_are_read_as_it_says(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("faces").mkdir()
    none = some_faces()[:0]
    table = to_table(["a", "b", "c"], [some_faces(), none, "no image"], Origin("best.onnx", "0" * 64, "1"))
    parquet.write_table(pa.concat_tables([table]), "faces/faces-00000.parquet")
    (code,) = (block for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "polars" in block)
    exec(compile(code, "docs/bulk.md", "exec"), names := {"polars": polars})
    assert names["faces"].select("path", "score", "x_max").rows()[0] == ("a", pytest.approx(0.9), 112)
    assert names["faces"]["path"].to_list() == ["a", "a", "a"]
    assert names["failed"].rows() == [("c", "no image")]
