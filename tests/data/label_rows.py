"""Rows of label files, for tests of the layouts that labels may have."""

from __future__ import annotations

from pathlib import Path


def shorten_labels(folder: Path, columns: int) -> None:
    """Keep the first values of each row, as in labels without flags or of boxes alone."""
    for file in folder.iterdir():
        rows = file.read_text(encoding="utf-8").splitlines()
        file.write_text("\n".join(" ".join(row.split()[:columns]) for row in rows), encoding="utf-8")


def lengths_of_labels(folder: Path) -> set[int]:
    """How many values the rows of the label files have."""
    return {len(line.split()) for file in folder.iterdir() for line in file.read_text(encoding="utf-8").splitlines()}
