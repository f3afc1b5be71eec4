"""How commands that look for faces are run here."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from squares import find_squares

from ultra_face.__main__ import main
from ultra_face.cli import blur, crops, detect, track


@pytest.fixture
def run_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., object]:
    """Run the words of a line, with | between them, in an empty folder, where the detector finds bright squares.

    Gives the exit status, or the text that ends the program with status 1. A test may name another detector, or None
    for the real one.
    """
    monkeypatch.chdir(tmp_path)
    load = {module: module.load_detector for module in (blur, crops, detect, track)}

    def run(line: str, detector: Callable[..., object] | None = find_squares, *, quiet: bool = True) -> object:
        for module, real in load.items():
            monkeypatch.setattr(module, "load_detector", (lambda options: detector) if detector else real)
        monkeypatch.setattr(sys, "argv", ["ultra-face", *line.split("|"), *(["--quiet"] if quiet else [])])
        with pytest.raises(SystemExit) as stopped:
            main()
        return stopped.value.code

    return run
