"""Tables of the comparison, from a few records or many: means, spreads, differences that count."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from benchmarks.tables import ablation
from benchmarks.tables.ablation import Figures

COST = {"parameters": 1_785_565, "gflops": 4.29, "epochs": 12, "steps": 1416, "batch_ms": 520.6, "photographs": 288}


@pytest.fixture
def results(repository: Path, tmp_path: Path) -> Path:
    """A folder with the published tables and no record of ours."""
    shutil.copy(repository / "results" / "published.yaml", tmp_path)
    return tmp_path


def write(results: Path, row: str, *precisions: float, dirty: bool = False, **settings: Any) -> None:
    """Records of a row with this AP50 for each seed."""
    (results / "ablation").mkdir(exist_ok=True)
    for seed, precision in enumerate(precisions):
        config = {"row": row, "settings": {"epochs": 12, "time": None, "imgsz": 320, "batch": 16} | settings}
        config |= {"precision": "bfloat16 forward"}
        machine = {"processor": "a processor"}
        run = {"config": config, "data": "photographs", "seed": seed, "commit": "abcdefghi", "dirty": dirty}
        bands = {"0-20 px": 0.1, "20-50 px": None, "50-inf px": 0.9}
        record = {"provenance": run | {"machine": machine}, "ap50": {"all": precision}, "ap50_95": precision / 2}
        record |= {"by_height": bands, "landmarks": {"nme_box": 0.08}, **COST}
        (results / "ablation" / f"{row}-{seed}.json").write_text(json.dumps(record))


def cells(table: str, row: str) -> dict[str, str]:
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    (found,) = (line for line in lines if line[0] == f"`{row}`")
    return dict(zip(lines[0], found, strict=True))


def test_mean_spread_and_number_of_seeds(results: Path) -> None:
    write(results, "face", 0.70, 0.72, 0.71)
    shown = cells(ablation.losses(results), "face")
    assert (shown["seeds"], shown["AP50-95"], shown["20-50 px"]) == ("3", "35.5 (1.0)", "-")
    shown = cells(ablation.layers(results), "face")
    assert (shown["AP50"], shown["landmark error"], shown["ms a batch"]) == ("71.0 (2.0)", "8.0 (0.0)", "521")
    assert shown["paper: easy / medium / hard"] == "92.09 / 90.05 / 80.49"


def test_a_difference_counts_beyond_both_spreads() -> None:
    base = Figures((70.0, 71.0))
    assert Figures((72.0, 72.5)).beside(base) == (1.75, True)
    assert Figures((71.0, 71.5)).beside(base) == (0.75, False)
    assert Figures((71.0, 74.0)).beside(base) == (2.0, False)  # beyond the base's spread of 1, not its own of 3
    assert Figures((80.0,)).beside(base) == (9.5, False)


def test_rows_stand_beside_their_base_and_the_stock_head(results: Path) -> None:
    write(results, "stock", 0.74, 0.74)
    write(results, "face", 0.70, 0.71)
    write(results, "simota", 0.75, 0.76)
    write(results, "face-free-alpha-1", 0.73)
    table = ablation.losses(results)
    assert "| `face` | **+5.0** | +0.0 | **+1.5** / +0.0 |" in table  # simota: 75.5 beside 70.5 and 74
    assert "| `stock` | **-3.5** | +0.0 |" in table
    assert "| `face-free` | - | - | -1.0 / +0.0 |" in table  # its base has no record, and it has one seed


def test_the_papers_claims_in_words(results: Path) -> None:
    write(results, "face", 0.70, 0.71)
    write(results, "mc4f", 0.74, 0.74)
    write(results, "mspam", 0.71, 0.70)
    write(results, "cbam", 0.60, 0.61)
    write(results, "aesvc", 0.80)
    assert ablation.claims(results).splitlines() == [
        "- **MC4f**: paper +1.64 easy, +1.89 medium, +3.30 hard; here +3.5 AP50: a gain is seen.",
        "- **MSPAM**: paper +0.96 easy, +1.16 medium, +2.13 hard; here +0.0 AP50: nothing is seen beyond the spread.",
        "- **CBAM**: paper +0.10 easy, +0.37 medium, +1.03 hard; here -10.0 AP50: a loss is seen.",
        "- **AESVC + MC4f + MSPAM**: paper +1.75 easy, +2.01 medium, +3.06 hard; here +9.5 AP50: one seed decides "
        "nothing.",
    ]
    assert ablation.layers(results).endswith(ablation.claims(results))


def test_variants_follow_the_papers_rows(results: Path) -> None:
    for row in ("aesvc-fast", "aesvc", "face"):
        write(results, row, 0.7)
    rows = [line.split("|")[1].strip() for line in ablation.layers(results).splitlines() if line[:3] == "| `"]
    assert rows == ["`face`", "`aesvc`", "`aesvc-fast`"]


def test_without_records_the_tables_are_empty(results: Path) -> None:
    assert len(ablation.losses(results).splitlines()) == 2
    assert ablation.layers(results).splitlines()[2:] == ["", "No record yet."]
    assert ablation.protocol(results) == ablation.claims(results) == "No record yet."


def test_the_protocol_names_budget_photographs_and_commits(results: Path) -> None:
    write(results, "face", 0.7)
    text = ablation.protocol(results)
    for words in ("12 epochs at 320 px", "photographs; 288 to measure on", "1 run; a processor; commits `abcdefg`"):
        assert words in text


def test_a_budget_of_time_is_in_minutes(results: Path) -> None:
    write(results, "face", 0.7, time=0.025)
    assert "Budget: 1.5 minutes at 320 px" in ablation.protocol(results)


def test_records_of_different_budgets_do_not_compare(results: Path) -> None:
    write(results, "face", 0.7)
    write(results, "stock", 0.7, epochs=10)
    with pytest.raises(ValueError, match="ablation: expected records of one budget, got epochs 10 and 12; measure"):
        ablation.losses(results)


def test_figures_of_a_tree_with_changes_are_refused(results: Path) -> None:
    write(results, "face", 0.7, dirty=True)
    with pytest.raises(ValueError, match=r"face-0\.json: expected figures of a clean commit"):
        ablation.layers(results)
