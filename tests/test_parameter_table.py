"""The tables of docs/parameters.md are written by their tool, and current."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

import ultra_face

ultra_face.register()

# The row of the baseline, and one without a published figure, as they are and drifted.
CURRENT = (
    "| YOLOv5n | `yolov5n-face` | 80, 5 x 2 | 1.886 | 1,885,687 | +0.0 % | 4.6 |\n"
    "| YOLOv8n | `yolov8n-pose` | 1, 5 x 3 | - | 3,083,424 | - | 8.4 |\n"
)
DRIFTED = CURRENT.replace("1,885,687 | +0.0 % | 4.6", "1,900,000 | +0.7 % | 5.0").replace("8.4", "9.0")


@pytest.fixture
def run_tool(repository: Path, monkeypatch: pytest.MonkeyPatch):
    def run(*arguments: str) -> None:
        monkeypatch.setattr("sys.argv", ["parameter_table.py", *arguments])
        runpy.run_path(str(repository / "tools" / "parameter_table.py"), run_name="__main__")

    return run


@pytest.mark.slow
def test_the_page_is_current(run_tool) -> None:
    run_tool("--check")


def test_a_page_that_drifted_is_told_and_mended(run_tool, tmp_path: Path) -> None:
    page = tmp_path / "parameters.md"
    page.write_text(f"# Parameters\n{DRIFTED}", encoding="utf-8")
    with pytest.raises(SystemExit, match=r"the counts are not current; run tools/parameter_table\.py"):
        run_tool("--check", "--page", str(page))
    assert DRIFTED in page.read_text(encoding="utf-8")
    run_tool("--page", str(page))
    assert page.read_text(encoding="utf-8") == f"# Parameters\n{CURRENT}"
    run_tool("--check", "--page", str(page))
