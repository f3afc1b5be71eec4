"""Where PyInstaller finds our hook; the entry point `pyinstaller40` of the package names this function."""

from __future__ import annotations

from pathlib import Path


def hook_dirs() -> list[str]:
    """The folder of `hook-ultra_face.py`."""
    return [str(Path(__file__).resolve().parent)]
