"""Result files in the official text format: `event/name.txt` with name, count, and `x y w h score` rows.

The image is known by the path of its file; the name inside is only checked against the other files of the
folder. Boxes are in pixels of the original image and keep every digit: rounding them costs AP on the hard
subset.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ultra_face.files.whole import PARTIAL, write_file
from ultra_face.formats.annotation import stays_inside
from ultra_face.formats.widerface import abbreviate, strip_image_suffix

DETECTOR_FILE = "detector.json"
"""Beside the event folders: how the detections were made, for reports."""
UNFINISHED = PARTIAL
"""Suffix of the event folders of a run that goes on, or was interrupted."""

_COLUMNS = 5  # x y w h score
_REMEDY = "`ultra-face evaluate --model` writes such files"
_LAYOUT = f"a file holds the image's name, a count, and rows 'x y w h score' [px]; {_REMEDY}"


class ResultFileError(ValueError):
    """A result file, or an array of detections, that breaks the format."""


def read_predictions(
    folder: str | Path, *, progress: Callable[[Iterable[str]], Iterable[str]] = iter
) -> dict[str, NDArray[np.float64]]:
    """Read all result files of a folder.

    Args:
        folder: holds one folder an event, with one `.txt` an image.
        progress: wraps the iteration over names, to show how far it is.

    Returns:
        For each image `event/name`, (n, 5) `x y w h score` [px of the original image] in file order.

    Raises:
        FileNotFoundError: the folder does not exist or holds no result file.
        ResultFileError: no file lies in a folder of its event, the run that made them is not finished, or a file
            breaks the format; the message names file, line, expectation and finding.
    """
    files = find_result_files(folder)
    unfinished = sorted({event for name in files if (event := name.split("/")[0]).endswith(UNFINISHED)})
    if unfinished:
        raise ResultFileError(
            f"{folder}: expected result files of a finished run, got {abbreviate(unfinished)} of one that is not; "
            "run the same command again, which goes on where it stopped"
        )
    if not any("/" in name for name in files):
        raise ResultFileError(
            f"{folder}: expected one folder an event with one .txt an image, got {len(files)} .txt and no folder; "
            f"move each into the folder of its event, such as 0--Parade/{next(iter(files))}.txt"
        )
    known = {name.rpartition("/")[2] for name in files}
    return {name: read_result_file(files[name], other_images=known) for name in progress(files)}


def find_result_files(folder: str | Path) -> dict[str, Path]:
    """Every `.txt` below the folder, by its path without suffix: `event/name` where the layout is right.

    Raises:
        FileNotFoundError: the folder does not exist or holds no `.txt`.
    """
    folder = Path(folder)
    files = {path.relative_to(folder).with_suffix("").as_posix(): path for path in sorted(folder.rglob("*.txt"))}
    if not files:
        raise FileNotFoundError(
            f"{folder}: expected one folder an event with one .txt an image, found no .txt; {_REMEDY}"
        )
    return files


def read_result_file(path: str | Path, *, other_images: Collection[str] = ()) -> NDArray[np.float64]:
    """Read one result file.

    Args:
        path: the file.
        other_images: bare names of the images of the set; a header that names another one of them is an
            error.

    Returns:
        (n, 5) `x y w h score`.

    Raises:
        ResultFileError: the file breaks the format.
    """
    path = Path(path)
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    while lines and not lines[-1].strip():
        lines.pop()
    if len(lines) < 2 or not lines[1].strip().isdecimal():
        got = repr(lines[1].strip()) if len(lines) > 1 else "the end of the file"
        raise ResultFileError(f"{path}:2: expected the number of detections, got {got}; {_LAYOUT}")
    header = strip_image_suffix(PurePosixPath(lines[0].strip()).name)
    if header != path.stem and header in other_images:
        raise ResultFileError(f"{path}:1: expected the name {path.stem}, got {header}, which is another image")
    if len(lines) - 2 != int(lines[1]):
        raise ResultFileError(f"{path}:2: the count says {int(lines[1])} detections, but {len(lines) - 2} rows follow")
    detections = np.array(_rows(path, lines[2:]), np.float64).reshape(-1, _COLUMNS)
    problem = find_invalid_row(detections)
    if problem is not None:
        row, reason = problem
        raise ResultFileError(f"{path}:{row + 3}: {reason}, got {lines[row + 2].strip()!r}")
    return detections


def _rows(path: Path, lines: list[str]) -> list[list[float]]:
    rows = []
    for number, line in enumerate(lines, start=3):
        try:
            row = [float(value) for value in line.split()]
        except ValueError:
            row = []
        if len(row) != _COLUMNS:
            raise ResultFileError(f"{path}:{number}: expected 'x y w h score', got {line.strip()!r}; {_REMEDY}")
        rows.append(row)
    return rows


def find_invalid_row(detections: NDArray[np.float64]) -> tuple[int, str] | None:
    """Find the first row of (n, 5) that is not finite or has a negative size, and what was expected.

    Sizes of 0 are valid: boxes are counted in inclusive pixels, so a width of 0 covers one column.
    """
    broken = ~np.isfinite(detections).all(axis=1) | (detections[:, 2:4] < 0).any(axis=1)
    if not broken.any():
        return None
    row = int(broken.argmax())
    finite = bool(np.isfinite(detections[row]).all())
    return row, "expected width and height of 0 or more" if finite else "expected finite numbers"


def write_predictions(folder: str | Path, predictions: Mapping[str, NDArray[np.floating]]) -> None:
    """Write one result file an image, with every digit that its number type holds.

    Args:
        folder: made if absent.
        predictions: for each image `event/name`, (n, 5) `x y w h score` [px of the original image].

    Raises:
        OutputError: the disk is full, or the folder cannot be written to.
        ResultFileError: an array is not (n, 5), not finite, or has a negative size, or a name leaves the folder;
            nothing is written then.
    """
    for name, detections in predictions.items():
        check_detections(name, detections)
        if not stays_inside(name):
            raise ResultFileError(f"{name}: expected event/name in {folder}, got a name that leaves it")
    for name, detections in predictions.items():
        path = Path(folder) / f"{name}.txt"
        rows = [" ".join(row) for row in np.asarray(detections).astype(str)]
        write_file(path, "\n".join([path.stem, str(len(rows)), *rows, ""]).encode())


def check_detections(name: str, detections: NDArray[np.floating]) -> None:
    """Check one array of detections (n, 5) `x y w h score`.

    Raises:
        ResultFileError: wrong shape, a number that is not finite, or a negative size.
    """
    shape = np.shape(detections)
    if len(shape) != 2 or shape[1] != _COLUMNS:
        raise ResultFileError(f"{name}: expected an array (n, 5) of x y w h score, got shape {shape}")
    problem = find_invalid_row(np.asarray(detections, np.float64))
    if problem is not None:
        row, reason = problem
        raise ResultFileError(f"{name}: {reason} in row {row}, got {np.asarray(detections)[row].tolist()}")


def to_rows(boxes_xyxy: NDArray[Any], scores: NDArray[Any]) -> NDArray[np.float64]:
    """Corners (n, 4) [px] and scores (n,) -> (n, 5) `x y w h score`."""
    boxes = boxes_xyxy.astype(np.float64)
    return np.column_stack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2], scores.astype(np.float64)])
