"""From how many photographs bulk inference pays, from the figures of a record."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.tables.bulk import bulk


@pytest.mark.parametrize(
    ("actors", "loop", "sentence"),
    [
        # 3.1 s / (1/13.5 - 1/16.8) is 213.05 photographs, in two digits 220
        (16.8, 13.5, "Two actors and their start take less time than a plain loop that uses all cores from 220 photo"),
        (13.5, 16.8, "On this machine a plain loop that uses all cores is as fast as two actors, so there bulk infer"),
    ],
)
def test_when_it_pays(actors: float, loop: float, sentence: str, repository: Path, tmp_path: Path) -> None:
    record = json.loads((repository / "results" / "bulk.json").read_text())
    record["start_s"], record["loop"]["all"], record["actors"]["2"]["per_second"] = 3.1, loop, actors
    (tmp_path / "bulk.json").write_text(json.dumps(record))
    assert sentence in bulk(tmp_path)
