"""Faces as rows: one flat row a face, with the same columns for every image, for a table or a database.

Numbers are the shortest decimals that stand for the same number, and what is unknown is None: an empty cell.
"""

from __future__ import annotations

import csv
import importlib
import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ultra_face.files.whole import replacing

LANDMARKS = ("left_eye", "right_eye", "nose", "left_mouth", "right_mouth")
"""The left ones as seen on the upright face, which are the person's right ones."""

BOX = ("x_min", "y_min", "x_max", "y_max")
POINTS = tuple(f"{name}_{axis}" for name in LANDMARKS for axis in "xy")
VISIBILITY = tuple(f"{name}_visibility" for name in LANDMARKS)

COLUMNS: dict[str, type] = {
    "source": str,
    **dict.fromkeys(("frame", "image_width", "image_height", "face", "track_id"), int),
    **dict.fromkeys(("score", *BOX, *POINTS, *VISIBILITY), float),
}
"""Name and type of every column, in order; columns of the user's follow. `face` counts the faces of one image."""


def plain(array: NDArray[Any]) -> list[Any]:
    """An array as nested lists of what JSON knows: single precision in its shortest decimals, NaN as None."""
    if array.dtype.kind != "f":
        return list(array.tolist())
    decimals = array.astype(str).astype(np.float64).astype(object)
    decimals[np.isnan(array)] = None
    return list(decimals.tolist())


def to_rows(
    boxes_xyxy: NDArray[Any],
    landmarks: NDArray[Any],
    scores: NDArray[Any],
    *,
    visibility: NDArray[Any] | None,
    track_ids: NDArray[Any] | None,
    image_size: tuple[int, int] | None,
    source: str | None,
    frame: int | None,
    data: Mapping[str, NDArray[Any]],
) -> list[dict[str, Any]]:
    """Rows of N faces, from the fields of `Faces`.

    Raises:
        ValueError: an array of the user's with the name of another column.
    """
    if taken := sorted(set(data) & set(COLUMNS)):
        raise ValueError(f"Faces.to_rows: expected other names in data than {', '.join(COLUMNS)}, got {taken[0]}")
    n, (width, height) = len(scores), image_size or (None, None)
    columns: dict[str, list[Any]] = {
        "source": [source] * n,
        "frame": [frame] * n,
        "image_width": [width] * n,
        "image_height": [height] * n,
        "face": list(range(n)),
        "track_id": [None] * n if track_ids is None else plain(track_ids),
        "score": plain(scores),
        **_split(BOX, boxes_xyxy),
        **_split(POINTS, landmarks.reshape(n, 10)),
        **_split(VISIBILITY, np.full((n, 5), np.nan) if visibility is None else visibility),
        **{name: plain(values) for name, values in data.items()},
    }
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _split(names: tuple[str, ...], array: NDArray[Any]) -> dict[str, list[Any]]:
    return {name: plain(values) for name, values in zip(names, array.T, strict=True)}


def csv_text(rows: Iterable[Mapping[str, Any]], names: Iterable[str]) -> str:
    """A header and one line a row; lists of numbers as JSON in one cell."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = list(names)
    writer.writerow(names)
    for row in rows:
        values = (row[name] for name in names)
        writer.writerow([json.dumps(value) if isinstance(value, list) else value for value in values])
    return text.getvalue()


def write_parquet(rows: Iterable[Mapping[str, Any]], path: str | Path, data: Mapping[str, NDArray[Any]]) -> None:
    """Write rows, with the types of `COLUMNS` and of the user's arrays even where there is no row.

    Raises:
        ModuleNotFoundError: polars is not installed.
        OutputError: the disk is full, or the folder cannot be written to.
    """
    polars = import_package("polars", "Faces.to_parquet")
    known = {str: polars.String, int: polars.Int64, float: polars.Float64}
    schema = {name: known[kind] for name, kind in COLUMNS.items()}
    schema |= {name: polars.Series(values[:0]).dtype for name, values in data.items()}
    table = polars.DataFrame(list(rows), schema=schema, orient="row")
    with replacing(Path(path)) as partial:
        table.write_parquet(partial)


def import_package(name: str, where: str) -> Any:
    """A package that only this method needs.

    Raises:
        ModuleNotFoundError: it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise ModuleNotFoundError(
            f"{where}: expected the package {name}, which is not installed; run `pip install {name}`", name=name
        ) from error
