"""Where the outcome of an evaluation goes: standard output, a JSON file, a picture."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def tell(record: Mapping[str, Any], table: str, json_file: str | None) -> None:
    """Print the table, and write the record to a file; `-` prints the record instead of the table.

    Raises:
        OSError: the file cannot be written; the table has been printed then.
    """
    text = json.dumps(record, indent=2)
    sys.stdout.write(f"{text if json_file == '-' else table}\n")
    if json_file is not None and json_file != "-":
        path = Path(json_file)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n", encoding="utf-8")


def save_plot(figure: Figure, path: Path) -> None:
    """Write a picture, in the format that its suffix names.

    Raises:
        OSError: the file cannot be written.
        ValueError: Matplotlib does not write this format.
    """
    known = figure.canvas.get_supported_filetypes()
    if path.suffix[1:].lower() not in known:
        raise ValueError(
            f"{path}: expected a picture of a known format, got {path.suffix!r}; known are {', '.join(known)}"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
