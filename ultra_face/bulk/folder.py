"""The folder of a job: Parquet files that are whole or not there, of one model and its settings, one run at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from ultra_face.bulk.rows import SCHEMA
from ultra_face.files.whole import replacing
from ultra_face.formats.files import MARKER, claimed

NAME, PATTERN = "faces-{:05d}.parquet", "faces-*.parquet"


@contextmanager
def open_folder(folder: Path, origin: Mapping[str, object]) -> Iterator[frozenset[str]]:
    """Take a folder for a run, which no other run can have meanwhile.

    Args:
        folder: new, empty, or of an earlier run with the same origin.
        origin: what tells the rows of one job from those of another.

    Yields:
        The paths of all rows in it.

    Raises:
        FileExistsError: files of another origin are in it.
        OutputError: another run writes to it, it cannot be written to, or it is taken away meanwhile.
    """
    _check_origin(folder, json.loads(json.dumps(origin)))
    with claimed(folder, origin):
        tables = (parquet.read_table(file, columns=["path"]) for file in folder.glob(PATTERN))
        yield frozenset(path for table in tables for path in table["path"].to_pylist())


def _check_origin(folder: Path, origin: Mapping[str, Any]) -> None:
    """Say what differs, where `claimed` would only say that something does."""
    marker = folder / MARKER
    if not marker.is_file():
        return
    written = json.loads(marker.read_text(encoding="utf-8"))
    if other := [name for name in {**written, **origin} if written.get(name) != origin.get(name)]:
        expected, got = (", ".join(f"{name} {told.get(name)}" for name in other) for told in (origin, written))
        raise FileExistsError(
            f"{folder}: expected an output folder of {expected}, got one that was written with {got}; choose another "
            "folder"
        )


class Writer:
    """Gathers rows and writes them, many to a file.

    Attributes:
        rows: how many came.
        failed: how many of them have an error.
        faces: how many faces they hold.
    """

    def __init__(self, folder: Path, rows_per_file: int) -> None:
        """Go on after the last file of the folder."""
        self.rows = self.failed = self.faces = 0
        self._folder, self._rows_per_file = folder, rows_per_file
        self._number = 1 + max((int(file.stem.rpartition("-")[2]) for file in folder.glob(PATTERN)), default=-1)
        self._waiting: list[pa.Table] = []

    def add(self, table: pa.Table) -> None:
        """Take rows of `SCHEMA`, and write a file as soon as there are enough.

        Raises:
            OutputError: the disk is full, or the folder cannot be written to.
        """
        self._waiting.append(table)
        self.rows += len(table)
        self.failed += len(table) - table["error"].null_count
        self.faces += sum(len(chunk.flatten()) for chunk in table["faces"].chunks)
        if sum(map(len, self._waiting)) >= self._rows_per_file:
            self.flush()

    def flush(self) -> None:
        """Write the rows that wait.

        Raises:
            OutputError: as `add`.
        """
        if self._waiting:
            with replacing(self._folder / NAME.format(self._number)) as partial:
                parquet.write_table(pa.concat_tables(self._waiting).cast(SCHEMA), partial, compression="zstd")
            self._number, self._waiting = self._number + 1, []
