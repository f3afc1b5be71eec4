"""Tables are made from result files, and a page that differs from them is found."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from benchmarks.tables.pages import TABLES, filled
from benchmarks.tables.papers import HERE
from benchmarks.tables.plots import save_plots

PAGE = "before\n<!-- table: peers -->\nold\n<!-- end of table -->\nafter\n"


@pytest.fixture
def results(repository: Path, tmp_path: Path) -> Path:
    """A copy of the result files, to be changed."""
    return Path(shutil.copytree(repository / "results", tmp_path / "results"))


def test_a_changed_figure_changes_the_page(results: Path) -> None:
    page = filled(PAGE, results)
    assert page.startswith("before\n<!-- table: peers -->\n| detector |")
    assert page.endswith("<!-- end of table -->\nafter\n")
    assert filled(page, results) == page
    file = results / "benchmark-peers.json"
    record = json.loads(file.read_text())
    record["rows"][0]["ap50"]["all"] = 0.1234
    file.write_text(json.dumps(record))
    assert filled(page, results) != page
    assert "| 12.3 |" in filled(page, results)


def test_a_block_that_nobody_makes_is_an_error(results: Path) -> None:
    with pytest.raises(KeyError, match="unheard"):
        filled(PAGE.replace("peers", "unheard"), results)


def test_figures_of_a_tree_with_changes_are_refused(results: Path) -> None:
    file = results / "benchmark-peers.json"
    record = json.loads(file.read_text())
    for dirty in (True, None):  # changed, or no commit at all
        record["provenance"]["dirty"] = dirty
        file.write_text(json.dumps(record))
        with pytest.raises(ValueError, match=r"benchmark-peers.json: expected figures of a clean commit, .*"):
            filled(PAGE, results)


def test_a_missing_record_is_an_error(results: Path) -> None:
    (results / "benchmark-peers.json").unlink()
    with pytest.raises(FileNotFoundError, match="benchmark-peers"):
        filled(PAGE, results)


@pytest.mark.parametrize("name", TABLES)
def test_every_table_has_rows_of_equal_length(name: str, results: Path) -> None:
    rows = [line for line in TABLES[name](results).splitlines() if line.startswith("|")]
    columns = {line.count("|") for line in rows}
    if name.endswith("protocol"):
        assert not rows
    elif name != "published":  # several tables, all of one kind
        assert len(columns) == 1
    assert name.endswith("protocol") or len(rows) > 2


def test_what_stands_for_a_row_here_was_measured(results: Path) -> None:
    measured = {
        row["model"]
        for name in ("peers", "papers")
        for row in json.loads((results / f"benchmark-{name}.json").read_text())["rows"]
    }
    assert set(HERE.values()) - measured == set()


def test_plots_are_drawn(results: Path, tmp_path: Path) -> None:
    save_plots(results, tmp_path)
    drawn = ["accuracy-parameters.png", "accuracy-time.png", "endurance.png", "reliability.png"]
    assert sorted(file.name for file in tmp_path.glob("*.png")) == drawn
