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
        (16.8, 13.5, "Two actors and their start take less time than the faster of the plain loops from 220 photogra"),
        (13.5, 16.8, "On this machine the faster of the plain loops is as fast as two actors, so there bulk inference"),
    ],
)
def test_when_it_pays(actors: float, loop: float, sentence: str, repository: Path, tmp_path: Path) -> None:
    record = json.loads((repository / "results" / "bulk.json").read_text())
    record["start_s"], record["loop"], record["actors"]["2"]["per_second"] = 3.1, {"1": 1.0, "all": loop}, actors
    (tmp_path / "bulk.json").write_text(json.dumps(record))
    assert sentence in bulk(tmp_path)
