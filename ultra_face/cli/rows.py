"""Where the rows of faces go: JSON lines, CSV or Parquet, into a file or to standard output.

The rows of an input come all together, when its last one is known: an input that fails leaves none.
"""

from __future__ import annotations

import json
import shutil
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, redirect_stdout
from functools import partial
from pathlib import Path
from tempfile import SpooledTemporaryFile, TemporaryFile
from typing import TextIO, cast

from ultra_face.cli.outputs import STANDARD_OUTPUT
from ultra_face.exchange.rows import COLUMNS, csv_text, import_package, write_parquet
from ultra_face.faces import Faces
from ultra_face.files.whole import replacing

JSON_LINES, CSV, PARQUET = FORMS = ("jsonl", "csv", "parquet")
HEADER = csv_text([], COLUMNS)
IN_MEMORY = 1 << 24
"""How many characters of rows wait in memory rather than in a file."""

Write = Callable[[Faces], None]
RowsOfInput = Callable[[], AbstractContextManager[Write]]


def add_form(parser: ArgumentParser, default: str) -> None:
    """Add the option that names the form of the rows; `default` tells in words what it is otherwise."""
    parser.add_argument("--format", choices=FORMS, help=f"of the rows (default: {default})")


def form_of(options: Namespace) -> str:
    """The form of the rows in the file that `--output` names.

    Exits with a usage message where it is not known, or where standard output cannot have it.
    """
    file = options.output
    form = options.format or (JSON_LINES if file == STANDARD_OUTPUT else file.suffix.lower().removeprefix("."))
    if form not in FORMS:
        options.usage_error(f"--output: expected a name that ends in .{', .'.join(FORMS)}, got {file}; or say --format")
    if form == PARQUET and file == STANDARD_OUTPUT:
        options.usage_error("--format parquet: expected a file to write, got standard output; name one with --output")
    return str(form)


@contextmanager
def open_rows(file: Path, form: str, *, overwrite: bool) -> Iterator[RowsOfInput]:
    """Open what is to hold the rows of some inputs; a file appears when all are written.

    Meanwhile all that is printed goes to standard error, so that nothing gets between rows on standard output.

    Args:
        file: where to write; `-` is standard output.
        form: one of `FORMS`.
        overwrite: whether to replace a file that exists.

    Yields:
        What opens the rows of one input: in a `with` block, a function that takes the faces of one picture after the
        other. They are written when the block ends, and dropped if it fails.

    Raises:
        FileExistsError: the file exists and is not to be replaced.
        ModuleNotFoundError: Parquet, and polars is not installed.
    """
    if file == STANDARD_OUTPUT:
        stream = sys.stdout
        with redirect_stdout(sys.stderr):
            yield _open_text(stream, form)
        return
    if file.exists() and not overwrite:
        raise FileExistsError(f"{file}: expected a new file, got one that exists; add --overwrite to replace it")
    if form != PARQUET:
        with replacing(file) as part, part.open("w", encoding="utf-8", newline="") as stream:
            yield _open_text(stream, form)
        return
    import_package("polars", "rows as Parquet")  # now rather than when the work is done
    with replacing(file) as part, TemporaryFile("w+", encoding="utf-8") as lines:
        yield _open_text(cast(TextIO, lines), JSON_LINES)
        lines.seek(0)
        write_parquet(map(json.loads, lines), part, {})


def _open_text(stream: TextIO, form: str) -> RowsOfInput:
    if form == CSV:
        stream.write(HEADER)
    return partial(_rows_of_input, stream, _csv_rows if form == CSV else _json_lines)


@contextmanager
def _rows_of_input(stream: TextIO, text: Callable[[Faces], str]) -> Iterator[Write]:
    with SpooledTemporaryFile(IN_MEMORY, "w+", encoding="utf-8", newline="") as waiting:
        yield lambda faces: cast(None, waiting.write(text(faces)))
        waiting.seek(0)
        shutil.copyfileobj(waiting, stream)
        stream.flush()  # whoever reads standard output sees each input when it is done


def _csv_rows(faces: Faces) -> str:
    return csv_text(faces.to_rows(), COLUMNS).removeprefix(HEADER)


def _json_lines(faces: Faces) -> str:
    return "".join(json.dumps(row, allow_nan=False) + "\n" for row in faces.to_rows())
