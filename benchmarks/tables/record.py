"""The records in results/, of clean commits alone, and the cells that tables make of those of `tools/benchmark.py`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.side_by_side.contestant import ONNX_RUNTIME


def read_record(results: Path, name: str) -> dict[str, Any]:
    """The record `NAME.json` of a folder.

    Raises:
        FileNotFoundError: no such file.
        ValueError: figures of a tree with uncommitted changes, or of none that is known.
    """
    file = results / f"{name}.json"
    record: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    if record["provenance"]["dirty"] is not False:
        raise ValueError(
            f"{file}: expected figures of a clean commit, got those of a tree with uncommitted changes; commit, then "
            "measure again"
        )
    return record


def read(results: Path, name: str) -> dict[str, Any]:
    """The record `benchmark-NAME.json` of a folder; raises as `read_record`."""
    return read_record(results, f"benchmark-{name}")


def source(record: dict[str, Any], name: str) -> str:
    """Where the figures of a table come from: machine, versions, commit and file."""
    run = record["provenance"]
    machine, versions = run["machine"], run["versions"]
    packages = {"torch": "PyTorch", "onnxruntime": "ONNX Runtime", "ultralytics": "Ultralytics"}
    installed = ", ".join(f"{title} {versions[package]}" for package, title in packages.items() if package in versions)
    return (
        f"{machine['processor']}, {machine['usable_cores']} cores; {installed}; commit `{run['commit'][:7]}`, "
        f"`results/{name}.json`."
    )


def in_onnx_runtime(record: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of a record that ran in ONNX Runtime, in which all detectors can."""
    return [row for row in record["rows"] if row["runtime"] == ONNX_RUNTIME]


def protocol(record: dict[str, Any], name: str) -> str:
    """What a record was measured on, and how."""
    run = record["provenance"]
    config = run["config"]
    return "\n".join(
        [
            f"- Photographs: {record['photographs']:,}, {run['data']}.",
            f"- Input {config['size']} x {config['size']} px, batch 1, suppression at IoU {config['nms_iou']}; curves "
            f"from confidence {config['accuracy from']}, times at {config['confidence']}.",
            f"- Times: medians over {config['timed photographs']} photographs on which all took turns.",
            f"- {source(record, f'benchmark-{name}')}",
        ]
    )


def markdown(heads: Sequence[str], body: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    rows = [f"| {' | '.join(heads)} |", f"|{' --- |' * len(heads)}", *(f"| {' | '.join(row)} |" for row in body)]
    return "\n".join(rows)


def percent(fraction: float | None) -> str:
    """A fraction in percent with one digit, or a dash."""
    return "-" if fraction is None else f"{100 * fraction:.1f}"


def precisions(row: dict[str, Any], *subsets: str) -> list[str]:
    """AP50 of subsets or bands of height [%]."""
    found = row.get("ap50", {}) | row.get("by_height", {})
    return [percent(found.get(subset)) for subset in subsets]


def landmark_error(row: dict[str, Any]) -> str:
    """Mean landmark error as a share of the box."""
    landmarks = row.get("landmarks")
    return f"{100 * landmarks['nme_box']:.1f} %" if landmarks else "-"


def cost(row: dict[str, Any]) -> list[str]:
    """Parameters [millions] and operations [billions]."""
    return [f"{row['parameters'] / 1e6:.3f}", f"{row['gflops']:.1f}"]


def times(row: dict[str, Any], threads: int) -> str:
    """Milliseconds of the network, and end to end."""
    taken = row["ms"].get(str(threads))
    return "-" if taken is None else f"{taken['model']:.0f} / {taken['end_to_end']:.0f}"
