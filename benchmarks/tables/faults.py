"""The tables of kills, interruptions and full disks, from `results/kills*.json` and the records beside them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.tables.record import markdown, read_record, source

KILLS, INTERRUPTIONS, DISKS = "kills", "interruptions", "full-disks"


def kills(results: Path) -> str:
    """What was left of each command that was killed, and what a second run made of it."""
    records = {file.stem: read_record(results, file.stem) for file in sorted(results.glob(f"{KILLS}*.json"))}
    rows = {name: row["kills"] for record in records.values() for name, row in record["rows"].items()}
    heads = [
        *("command", "kills", "left nothing", "a part", "all", "half files refused", "half files taken for whole"),
        *("second run completes", "as if undisturbed", "input unchanged"),
    ]
    body = [[name, *_counts(seen)] for name, seen in rows.items()]
    total = ["all", *_counts([each for seen in rows.values() for each in seen])]
    sources = [source(record, name) for name, record in records.items()]
    return "\n\n".join([markdown(heads, [*body, total]), *sources])


def _counts(seen: list[dict[str, Any]]) -> list[str]:
    left = Counter(each["left"] for each in seen)
    return [
        str(len(seen)),
        *(str(left[state]) for state in ("nothing", "a part", "all")),
        str(sum(len(each["refused"]) for each in seen)),
        str(sum(each["passed for whole"] is not None for each in seen)),
        str(sum(each["second run completes"] for each in seen)),
        str(sum(each["differs"] is None for each in seen)),
        str(sum(each["inputs unchanged"] for each in seen)),
    ]


def interruptions(results: Path) -> str:
    """How each command ended after Ctrl-C."""
    record = read_record(results, INTERRUPTIONS)
    body = [
        [
            name,
            str(len(seen)),
            str(sum(each["status"] == row["expected"] for each in seen)),
            str(sum(each["traceback"] for each in seen)),
            str(sum(bool(each["left over"]) for each in seen)),
        ]
        for name, row in record["rows"].items()
        for seen in [row["interruptions"]]
    ]
    heads = ["command", "Ctrl-C", "status 130", "tracebacks", "half files left"]
    return f"{markdown(heads, body)}\n\n{source(record, INTERRUPTIONS)}"


def disks(results: Path) -> str:
    """What each command said of a full disk and of a read-only one."""
    record = read_record(results, DISKS)
    body = [
        [
            name,
            _end(row["full"]),
            str(len(row["full"]["half-written"])),
            _yes(row["full"]["the user's file is kept"]),
            _yes(row["full"]["a run with room completes"]),
            _end(row["read-only"]) if "read-only" in row else "-",
        ]
        for name, row in record["rows"].items()
    ]
    heads = [
        "command",
        "full disk",
        "half files",
        "files of the user kept",
        "runs again with room",
        "read-only disk",
    ]
    return f"{markdown(heads, body)}\n\n{source(record, DISKS)}"


def _end(seen: dict[str, Any]) -> str:
    said = "a traceback" if seen["traceback"] else f"{seen['sentences']} sentence{'s' * (seen['sentences'] != 1)}"
    return f"{said}, status {seen['status']}"


def _yes(held: bool) -> str:
    return "yes" if held else "no"
