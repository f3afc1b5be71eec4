"""Stock models are bit-identical with the plugin on and off, random state included."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from interpreters import last_line, run_python

SCRIPT = Path(__file__).parents[1] / "stock_fingerprints.py"


@pytest.fixture(scope="module")
def fingerprints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict]:
    """What a fresh interpreter makes of the stock models, with the plugin on and off."""
    return {
        setting: json.loads(
            last_line(run_python(str(SCRIPT), folder=tmp_path_factory.mktemp("stock"), ULTRA_FACE_AUTOLOAD=setting))
        )
        for setting in ("0", "1")
    }


@pytest.mark.slow
def test_every_task_is_covered_with_and_without_the_plugin(fingerprints):
    assert not fingerprints["0"]["plugin"]
    assert fingerprints["1"]["plugin"]
    assert set(fingerprints["1"]["tasks"]) >= {"detect", "segment", "pose", "obb", "classify"}


@pytest.mark.slow
def test_stock_models_are_bit_identical(fingerprints):
    off, on = ({key: value for key, value in marks.items() if key != "plugin"} for marks in fingerprints.values())
    assert on == off
