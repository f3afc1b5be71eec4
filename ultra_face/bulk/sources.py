"""What a job goes through: names of photographs, Parquet files that hold their bytes, or a data set of Ray."""

from __future__ import annotations

import math
import os
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias, cast

import pyarrow as pa
from pyarrow import dataset

from ultra_face.bulk.places import find
from ultra_face.detection.images import is_url
from ultra_face.formats.files import named, read_text
from ultra_face.formats.image_files import is_image_name

if TYPE_CHECKING:
    from ray.data import Dataset

Name: TypeAlias = "str | os.PathLike[str]"
Source: TypeAlias = "Name | Iterable[Name] | Dataset"

PATH = "path"
"""The column of a data set of names."""

LIST, PARQUET = ".txt", ".parquet"

MOST_BLOCKS = 2000
"""Into how many parts names are split at most; each costs Ray some milliseconds."""

READING_CORES = 0.25
"""That Ray sets aside for a task that reads Parquet, which waits more than it computes."""


class Columns(tuple[str, str]):
    """The columns of a table that hold the bytes of photographs and their paths."""

    def check(self, names: Collection[str], where: str) -> None:
        """Refuse a table without them.

        Raises:
            ValueError: one is missing.
        """
        if missing := [name for name in self if name not in names]:
            raise ValueError(
                f"{where}: expected the columns {' and '.join(self)}, got {', '.join(names)}; name the one that "
                f"stands for {missing[0]} with bytes_column or path_column"
            )


class Photographs(Protocol):
    """Photographs of a kind."""

    @property
    def columns(self) -> Columns | None:
        """Of their bytes and paths; None where rows are names of files, which the actors read."""

    @property
    def spare_cores(self) -> float:
        """Which Ray needs beside those of the actors."""

    def without(self, done: Collection[str]) -> Photographs:
        """Those whose paths are not in `done`, as far as that is known before they are read."""

    def count(self) -> int | None:
        """How many there are; None where only reading tells."""

    def dataset(self, batch_size: int) -> Dataset:
        """Rows of them, for actors that take so many at once."""


@dataclass(frozen=True)
class Named:
    """Files by their paths and URIs."""

    names: list[str]
    columns: None = None
    spare_cores: float = 0

    def without(self, done: Collection[str]) -> Named:
        """As `Photographs.without`."""
        return replace(self, names=[name for name in self.names if name not in done])

    def count(self) -> int:
        """As `Photographs.count`."""
        return len(self.names)

    def blocks(self, batch_size: int) -> Iterator[list[str]]:
        """The names in parts of at least one batch, few enough for Ray."""
        step = max(batch_size, math.ceil(len(self.names) / MOST_BLOCKS))
        for start in range(0, len(self.names), step):
            yield self.names[start : start + step]

    def dataset(self, batch_size: int) -> Dataset:
        """As `Photographs.dataset`."""
        import ray.data

        return ray.data.from_arrow([pa.table({PATH: block}) for block in self.blocks(batch_size)])


@dataclass(frozen=True)
class Tables:
    """Photographs in Parquet files, by the paths and URIs of these."""

    files: list[str]
    columns: Columns
    spare_cores: float = READING_CORES

    def __post_init__(self) -> None:
        first = self.files[0]
        with named(first, "a Parquet file", "check it"):
            try:
                names = dataset.dataset(first, format="parquet").schema.names
            except pa.ArrowInvalid as error:
                raise RuntimeError(error) from error  # which pyarrow calls a ValueError
        self.columns.check(names, first)

    def without(self, done: Collection[str]) -> Tables:
        """As `Photographs.without`: all of them."""
        return self

    def count(self) -> None:
        """As `Photographs.count`."""

    def dataset(self, batch_size: int) -> Dataset:
        """As `Photographs.dataset`."""
        import ray.data

        return ray.data.read_parquet(self.files, num_cpus=self.spare_cores).select_columns(list(self.columns))


@dataclass(frozen=True)
class Given:
    """A data set of Ray."""

    rows: Dataset
    columns: Columns
    spare_cores: float = 1  # what its tasks take where they do not say

    def without(self, done: Collection[str]) -> Given:
        """As `Photographs.without`: all of them."""
        return self

    def count(self) -> None:
        """As `Photographs.count`."""

    def dataset(self, batch_size: int) -> Dataset:
        """As `Photographs.dataset`."""
        return self.rows


def find_photographs(source: Source, columns: Columns) -> Photographs:
    """Find what a source stands for.

    Args:
        source: a photograph, a folder and all below it, a pattern, a list of photographs, a Parquet file; several of
            these; or a data set of Ray.
        columns: of Parquet files and data sets.

    Raises:
        FileNotFoundError: a name that stands for nothing.
        OSError: a place that cannot be looked at.
        ValueError: both photographs and Parquet files, other columns, or a URI that pyarrow does not know.
    """
    if hasattr(source, "map_batches"):
        return Given(cast("Dataset", source), columns)
    names = [source] if isinstance(source, (str, os.PathLike)) else cast("Iterable[Name]", source)
    found = list(dict.fromkeys(file for name in names for file in _found(os.fspath(name))))
    tables = [file for file in found if _is_parquet(file)]
    if tables and len(tables) < len(found):
        other = next(file for file in found if not _is_parquet(file))
        raise ValueError(
            f"bulk: expected photographs or Parquet files, got both, such as {other} and {tables[0]}; run once for each"
        )
    return Tables(tables, columns) if tables else Named(found)


def _found(name: str) -> Iterator[str]:
    """The photographs or Parquet files of a name; one that names a file itself is not asked for its suffix."""
    if name.lower().endswith(LIST) and Path(name).is_file():
        yield from _listed(Path(name))
        return
    files = find(name)
    is_itself = len(files) == 1 and files[0].endswith(name)
    kept = files if is_itself else [file for file in files if is_image_name(file) or _is_parquet(file)]
    if not kept:
        raise FileNotFoundError(
            f"{name}: expected photographs, Parquet files or a list of photographs, got none; check the path"
        )
    yield from kept


def _is_parquet(name: str) -> bool:
    return name.lower().endswith(PARQUET)


def _listed(file: Path) -> Iterator[str]:
    """The paths and URIs of a list, one a line; as in training, `./` is relative to the list."""
    for line in filter(None, map(str.strip, read_text(file).splitlines())):
        if is_url(line):
            yield line
        else:
            yield str((file.parent / line if line.startswith("./") else Path(line)).absolute())
