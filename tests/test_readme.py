"""What README.md says is so: its Python runs, its files exist, its tables are current."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ultralytics.utils import ASSETS

CODE = re.compile(r"```python\n(.*?)```", re.DOTALL)
LINK = re.compile(r"\]\(([^)#:]+)\)")


def readme(repository: Path) -> str:
    return (repository / "README.md").read_text(encoding="utf-8")


def test_links_lead_to_files(repository: Path) -> None:
    links = LINK.findall(readme(repository))
    assert links
    assert [link for link in links if not (repository / link).exists()] == []


def test_named_files_exist(repository: Path) -> None:
    named = re.findall(r"\b(?:cfg|tools|docs|results|benchmarks)/[\w./-]+\.\w+", readme(repository))
    # Scales share one file: yolov5n-aesvc.yaml is yolov5-aesvc.yaml at scale n.
    files = {re.sub(r"yolov5[nsmlx]-", "yolov5-", name) for name in named}
    assert {name for name in files if not (repository / name).exists()} == set()


def test_tables_are_current(repository: Path) -> None:
    subprocess.run([sys.executable, repository / "tools" / "make_results.py", "--check"], check=True)


@pytest.mark.slow
def test_python_code_runs_as_printed(repository: Path, tmp_path: Path) -> None:
    shutil.copy(ASSETS / "zidane.jpg", tmp_path / "photo.jpg")
    blocks = CODE.findall(readme(repository))
    assert len(blocks) == 2
    for code in blocks:
        run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stdout + run.stderr
