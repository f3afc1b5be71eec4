"""Run code in a fresh interpreter, where nothing of this process has been imported."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def run_python(
    *arguments: str, folder: Path, python: Path | str = sys.executable, status: int = 0, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run `python *arguments` in a folder and check its exit status; its output tells why it differs."""
    done = subprocess.run(
        [str(python), *arguments],
        cwd=folder,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status, f"{arguments} exited {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done


def last_line(done: subprocess.CompletedProcess[str]) -> str:
    """The last line printed, below whatever Ultralytics has logged."""
    return done.stdout.strip().splitlines()[-1]
