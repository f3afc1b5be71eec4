"""The table of broken and hostile inputs and what came of them, from `results/fuzz.json`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from benchmarks.fuzzing.case import ACCEPTED, MUST_NOT_HAPPEN, REFUSED
from benchmarks.tables.record import markdown, read_record

NAME = "fuzz"
TITLES = {
    "images": "images",
    "labels": "annotations, lists and archives",
    "yamls": "model and data YAMLs",
    "checkpoints": "checkpoints and ONNX files",
    "results": "result files and ground truth",
}


def fuzzing(results: Path) -> str:
    """How often each outcome came, a row a family of input."""
    record = read_record(results, NAME)
    body = []
    for family, run in record["families"].items():
        counts: Counter[str] = Counter()
        for kinds in run["outcomes"].values():
            counts.update(kinds)
        shown = (sum(counts.values()), counts[ACCEPTED], counts[REFUSED], *(counts[kind] for kind in MUST_NOT_HAPPEN))
        numbers = [f"{count:,}" for count in shown]
        body.append([TITLES[family], str(len(run["outcomes"])), *numbers, f"`{run['commit'][:7]}`"])
    heads = ["input", "kinds of harm", "tried", ACCEPTED, "refused in a sentence", *MUST_NOT_HAPPEN, "commit"]
    run = record["provenance"]
    made_of = f"Made of {run['data']} with seed {run['seed']}, in one process; {run['machine']['processor']}"
    return f"{markdown(heads, body)}\n\n{made_of}; `results/{NAME}.json`."
