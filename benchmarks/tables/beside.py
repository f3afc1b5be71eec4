"""Tables of the shipped weights beside other detectors and, with norms that fold, beside themselves."""

from __future__ import annotations

from pathlib import Path

from benchmarks.tables import record as of
from benchmarks.tables.record import markdown, percent, read

NAME, FOLDED = "peers", "folded"  # results/benchmark-NAME.json
SHIPPED = "yolov5n-aesvc-face"
SUBSETS = ("from 50 px", "from 30 px", "from 10 px")


def protocol(results: Path) -> str:
    """What was measured, and how."""
    return of.protocol(read(results, NAME), NAME)


def peers(results: Path) -> str:
    """Cost, accuracy and time of every detector and runtime."""
    heads = ["detector", "runtime", "M", "GFLOPs", "MB", "all", ">= 50 px", ">= 30 px", ">= 10 px", "20-50 px"]
    heads += ["< 20 px", "landmarks", "1 thread", "2 threads"]
    body = [
        [
            _bold(row["model"]),
            row["runtime"],
            *of.cost(row),
            f"{row['megabytes']:.1f}",
            *of.precisions(row, "all", *SUBSETS, "20-50 px", "0-20 px"),
            of.landmark_error(row),
            *(of.times(row, count) for count in (1, 2)),
        ]
        for row in read(results, NAME)["rows"]
    ]
    return markdown(heads, body)


def summary(results: Path) -> str:
    """The same in few columns, in ONNX Runtime."""
    heads = ["detector", "M", "GFLOPs", *SUBSETS, "landmark error", "end to end"]
    body = [
        [
            _bold(row["model"]),
            *of.cost(row),
            *of.precisions(row, *SUBSETS),
            of.landmark_error(row),
            f"{row['ms']['1']['end_to_end']:.0f} ms",
        ]
        for row in of.in_onnx_runtime(read(results, NAME))
        if row["trained"]
    ]
    return f"{markdown(heads, body)}\n\n{of.source(read(results, NAME), f'benchmark-{NAME}')}"


def folded(results: Path) -> str:
    """The shipped weights as they are and folded, and the peers, in ONNX Runtime."""
    record = read(results, FOLDED)
    heads = ["detector", *SUBSETS, "landmark error", "1 thread", "2 threads"]
    body = [
        [
            _bold(row["model"]),
            *of.precisions(row, *SUBSETS),
            of.landmark_error(row),
            *(of.times(row, count) for count in (1, 2)),
        ]
        for row in of.in_onnx_runtime(record)
    ]
    return f"{markdown(heads, body)}\n\n{of.protocol(record, FOLDED)}"


def sets(results: Path) -> str:
    """AP50 of all faces in each set of photographs."""
    rows = [row for row in of.in_onnx_runtime(read(results, NAME)) if "by_set" in row]
    names = list(rows[0]["by_set"])
    body = [[_bold(row["model"]), *(percent(row["by_set"][name]) for name in names)] for row in rows]
    return markdown(["detector", *names], body)


def threshold(results: Path) -> str:
    """What the shipped weights do in each set at the score that suits them."""
    (row,) = (row for row in of.in_onnx_runtime(read(results, NAME)) if row["model"] == SHIPPED)
    best = row["best_f1"]
    body = [
        [name, *(percent(point[key]) for key in ("precision", "recall", "f1"))] for name, point in best["sets"].items()
    ]
    return markdown([f"at score {best['confidence']:g}", "precision", "recall", "F1"], body)


def steps(results: Path) -> str:
    """Median times of each step with one thread, and what is not the network as a share of it."""
    names = ("read", "preprocess", "model", "postprocess", "end_to_end")
    body = []
    for row in read(results, NAME)["rows"]:
        taken = row["ms"]["1"]
        share = (taken["preprocess"] + taken["postprocess"]) / taken["model"]
        times = [f"{taken[name]:.1f}" for name in names]
        body.append([_bold(row["model"]), row["runtime"], *times, f"{100 * share:.0f} %"])
    return markdown(["detector", "runtime", *(name.replace("_", " ") for name in names), "share"], body)


def _bold(model: str) -> str:
    return f"**{model}**" if model == SHIPPED else model
