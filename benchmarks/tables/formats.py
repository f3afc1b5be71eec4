"""The table of formats, and the list of those that did not run, from `results/formats.json`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from benchmarks.tables.record import markdown, read_record, source

NAME = "formats"
HEADS = ("format", "`yolo export`", "to install", "MB", "1 thread", "2 threads", "faces", "largest shift")


def formats(results: Path) -> str:
    """Size, milliseconds, faces and what to install, a row a run time."""
    record = read_record(results, NAME)
    body = [
        [
            name,
            f"`{_arguments(row['arguments'])}`"
            + (f", then `{_arguments(row['prediction'])}`" if row["prediction"] else ""),
            f"`{' '.join(map(shlex.quote, row['install'].split()))}`" if row["install"] else "nothing more",
            f"{row['megabytes']:.1f}",
            *(_time(row, count) for count in ("1", "2")),
            "{both} of {pytorch}".format(**row["faces"]) + _more(row["faces"]),
            f"{row['largest_px']:.4f} px",
        ]
        for name, row in record["rows"].items()
    ]
    versions = sorted(
        {f"{package} {version}" for row in record["rows"].values() for package, version in row["versions"].items()}
    )
    config = record["provenance"]["config"]
    return "\n\n".join(
        [
            markdown(HEADS, body),
            f"{config['photographs']} photographs, {record['provenance']['data']}; input {config['size']} px.",
            f"{', '.join(versions)}. {source(record, NAME)}",
        ]
    )


def formats_not_run(results: Path) -> str:
    """Formats without figures, each with its reason."""
    reasons = read_record(results, NAME)["not run"]
    return markdown(["format", "why"], [[name, reason] for name, reason in reasons.items()])


def _arguments(arguments: dict[str, Any]) -> str:
    return " ".join(f"{key}={value}" for key, value in arguments.items())


def _time(row: dict[str, Any], count: str) -> str:
    """Milliseconds, and as a multiple of what ONNX Runtime took in the same run."""
    return f"{row['ms'][count]:.0f} ms, {row['ms'][count] / row['onnx_ms'][count]:.2f}"


def _more(faces: dict[str, int]) -> str:
    """Faces that PyTorch does not find."""
    return f" and {faces['here'] - faces['both']} more" if faces["here"] > faces["both"] else ""
