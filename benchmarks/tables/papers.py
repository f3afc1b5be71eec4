"""The tables of the YOLOv5n-AESVC paper with a column of ours, and what other sources publish.

Published figures come from results/published.yaml, ours from results/benchmark-papers.json (untrained models: cost and
time) and results/benchmark-peers.json (trained weights: accuracy too).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from benchmarks.side_by_side.contestant import ONNX_RUNTIME, RUNTIMES
from benchmarks.tables import record as of
from benchmarks.tables.beside import SHIPPED
from benchmarks.tables.record import markdown, read

NAME = "papers"
SUBSETS = ("easy", "medium", "hard")

# Row of the paper -> what stands for it here; a row without an entry is published alone.
HERE = {
    "YOLOv5n": "yolov5n-face",
    "YOLOv5n + MC4f": "yolov5n-mc4f",
    "YOLOv5n + AESVC": "yolov5n-aesvc-only",
    "YOLOv5n + MSPAM": "yolov5n-mspam",
    "YOLOv5n + CBAM": "yolov5n-cbam",
    "YOLOv5n + AESVC + MC4f": "yolov5n-aesvc-mc4f",
    "YOLOv5n + AESVC + MC4f + MSPAM": "yolov5n-aesvc",
    "YOLOv5n-AESVC": SHIPPED,
    "RetinaFace (MobileNet0.25)": "RetinaFace (MobileNet0.25)",
    "YOLO5Face (YOLOv5n-0.5)": "YOLO5Face (YOLOv5n-0.5)",
    "SCRFD-0.5GF": "SCRFD-0.5GF",
    "YOLO5Face (YOLOv5n)": "yolov5n-yolo5face-shuffle",
    "YOLO5Face (YOLOv5s)": "yolov5s-yolo5face",
    "YOLOv7-tiny": "yolov7-tiny-pose",
    "YOLOv8n-face": "yolov8n-face",
    "YOLOv8s-face": "yolov8s-pose",
}

# The same where only times count, which compare within one run.
TIMED = HERE | {
    "YOLO5Face (YOLOv5n-0.5)": "yolov5n-yolo5face-shuffle-half",
    "YOLOv5n-AESVC": "yolov5n-aesvc",
    "YOLOv8n-face": "yolov8n-pose",
}


def protocol(results: Path) -> str:
    """What was measured of the models, and how."""
    return of.protocol(read(results, NAME), NAME)


def table_2(results: Path) -> str:
    """The ablation: published accuracy and parameters, ours counted and timed."""
    heads = ["row", *SUBSETS, "M, published", "here", "M", "GFLOPs", "ms"]
    return markdown(heads, [_row(results, row, ["parameters"]) for row in _published(results)["aesvc-2"]["rows"]])


def table_3(results: Path) -> str:
    """Accuracy of the systems that the paper compares, with what is measured here."""
    body = []
    for row in _published(results)["aesvc-3"]["rows"]:
        here = _measured(results).get(HERE.get(row["model"], ""), {})
        precisions = of.precisions(here, "from 50 px", "from 30 px", "from 10 px")
        body.append([*_row(results, row, ["parameters"])[:-2], *precisions])
    heads = ["system", *SUBSETS, "M, published", "here", "M", ">= 50 px", ">= 30 px", ">= 10 px"]
    return f"{markdown(heads, body)}\n\n{_notes(results, 'aesvc-3')}"


def table_4(results: Path) -> str:
    """Speed of the systems that the paper compares, on its graphics card and on this processor."""
    body = []
    for row in _published(results)["aesvc-4"]["rows"]:
        cells = _row(results, row, ["ms", "parameters"], stands_for=TIMED)
        body.append([cells[0], *cells[1 + len(SUBSETS) :]])
    return markdown(["system", "ms, published", "M, published", "here", "M", "GFLOPs", "ms"], body)


def models(results: Path) -> str:
    """Cost of every model YAML of the run, and times of its network in both runtimes with one thread and with two."""
    rows = read(results, NAME)["rows"]
    runtimes = {runtime: {row["model"]: row for row in rows if row["runtime"] == runtime} for runtime in RUNTIMES}
    heads = ["model", "M", "GFLOPs"]
    heads += [f"{runtime}, {threads}" for runtime in RUNTIMES for threads in ("1 thread", "2 threads")]
    body = [
        [
            f"`{model}`",
            *of.cost(row),
            *(f"{runtimes[runtime][model]['ms'][threads]['model']:.0f}" for runtime in RUNTIMES for threads in "12"),
        ]
        for model, row in runtimes[ONNX_RUNTIME].items()
    ]
    return markdown(heads, body)


def others(results: Path) -> str:
    """Every other table of published figures, with its source, protocol and notes."""
    parts = []
    for name, source in _published(results).items():
        if not name.startswith("aesvc"):
            body = [[row["model"], *_figures(row, *SUBSETS, "parameters", "gflops")] for row in source["rows"]]
            heading = f"**{source['source']}** ({source['protocol']})"
            parts += [heading, markdown(["system", *SUBSETS, "M", "GFLOPs"], body), _notes(results, name)]
    return "\n\n".join(part for part in parts if part)


def _row(
    results: Path, row: dict[str, Any], keys: list[str], *, stands_for: Mapping[str, str] = MappingProxyType(HERE)
) -> list[str]:
    """Name, published figures, what stands for it here, and its parameters, operations and time."""
    name = stands_for.get(row["model"])
    here = _measured(results).get(name or "")
    measured = [*of.cost(here), f"{here['ms']['1']['model']:.1f}"] if here else ["-"] * 3
    return [row["model"], *_figures(row, *SUBSETS, *keys), f"`{name}`" if name else "-", *measured]


def _measured(results: Path) -> dict[str, dict[str, Any]]:
    """Rows in ONNX Runtime by model; what is trained counts before the same untrained."""
    rows = [*of.in_onnx_runtime(read(results, NAME)), *of.in_onnx_runtime(read(results, "peers"))]
    return {row["model"]: row for row in rows}


def _figures(row: dict[str, Any], *keys: str) -> list[str]:
    digits = {"parameters": ".3f", "gflops": "g"}
    return [format(row[key], digits.get(key, ".2f")) if key in row else "-" for key in keys]


def _notes(results: Path, name: str) -> str:
    return "\n".join(f"- {note}" for note in _published(results)[name].get("notes", ()))


def _published(results: Path) -> dict[str, Any]:
    tables: dict[str, Any] = yaml.safe_load((results / "published.yaml").read_text(encoding="utf-8"))
    return tables
