"""Evaluating result files loads no torch: with it, memory would be five times as large."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

LOADED = """
import runpy, sys
sys.argv = [sys.argv[1], "--help"]
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
except SystemExit:
    pass
print({"torch", "ultralytics"} & set(sys.modules), file=sys.stderr)
"""


@pytest.mark.parametrize("tool", ["eval_widerface.py", "eval_landmarks.py"])
def test_the_tool_loads_no_torch(repository: Path, tool: str) -> None:
    command = [sys.executable, "-c", LOADED, str(repository / "tools" / tool)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert run.stderr.splitlines()[-1] == "set()"
