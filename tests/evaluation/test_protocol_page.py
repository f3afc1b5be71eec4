"""The page that explains the protocol: its code runs, and its table is the one of the result file."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from mat_folder import FACES, write_mat_folder

from benchmarks.widerface_mistakes import MARKS, table
from ultra_face.formats.result_files import write_predictions


@pytest.fixture
def page(repository):
    return (repository / "docs" / "widerface-protocol.md").read_text("utf-8")


def test_code_runs(page, tmp_path, monkeypatch, capsys):
    write_mat_folder(tmp_path / "ground_truth")
    perfect = {
        f"{event}/{name}": np.array([[*box, 0.9] for box in boxes], float)
        for event, images in FACES.items()
        for name, boxes in images.items()
    }
    write_predictions(tmp_path / "results", perfect)
    monkeypatch.chdir(tmp_path)
    (code,) = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    exec(compile(code, "docs/widerface-protocol.md", "exec"), {})
    assert [line.split()[:3] for line in capsys.readouterr().out.splitlines()] == [
        ["easy", "1", "100.00"],
        ["medium", "2", "100.00"],
        ["hard", "4", "100.00"],
    ]


def test_table_is_that_of_the_result_file(page, repository):
    record = json.loads((repository / "results" / "widerface-mistakes.json").read_text("utf-8"))
    begin, end = (page.index(mark) for mark in MARKS)
    assert page[begin + len(MARKS[0]) : end].strip() == table(record["ap"]).strip()
    assert f"{record['images_above_300_detections']} of these result files" in page
