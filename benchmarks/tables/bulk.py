"""What bulk inference costs and brings, and what a billion photographs would take, from `results/bulk.json`."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from benchmarks.tables.record import markdown, read_record, source

NAME = "bulk"
BILLION = 1_000_000_000
CORES_OF_A_MACHINE = 64
MACHINES = (1, 10, 100)
HOUR, DAY = 3600, 86400


def bulk(results: Path) -> str:
    """Speed, start and memory, and from how many photographs it pays."""
    record = read_record(results, NAME)
    run = record["provenance"]
    config = run["config"]
    below = (
        f"{config['number']} photographs of {run['data']}; ONNX Runtime, input {config['imgsz']} px. Start: the whole "
        f"time of a job of one photograph. {source(record, NAME)}"
    )
    return "\n\n".join([_speed(record), below, _pays(record)])


def _speed(record: dict[str, Any]) -> str:
    loops = {"1": "plain loop, 1 thread", "all": "plain loop, a thread a core"}
    body = [[title, f"{record['loop'][threads]:.1f}", "-", "-"] for threads, title in loops.items()]
    for number, actors in record["actors"].items():
        title = f"{number} actor{'s' * (number != '1')}, 1 thread each"
        memory = f"{actors['resident_bytes'] / 2**20:.0f} MiB"
        body.append([title, f"{actors['per_second']:.1f}", f"{record['start_s']:.1f} s", memory])
    return markdown(["", "photographs a second", "start", "memory of an actor"], body)


def _pays(record: dict[str, Any]) -> str:
    """From how many photographs on two actors with their start are done before a loop is."""
    bulk_rate, loop_rate = record["actors"]["2"]["per_second"], max(record["loop"].values())
    if bulk_rate <= loop_rate:
        return (
            "On this machine the faster of the plain loops is as fast as two actors, so there bulk inference brings "
            "its rows, its resumption and its errors, and no time."
        )
    number = record["start_s"] / (1 / loop_rate - 1 / bulk_rate)
    return (
        f"Two actors and their start take less time than the faster of the plain loops from {_two_digits(number):,} "
        "photographs on."
    )


def _two_digits(number: float) -> int:
    digits = max(0, math.floor(math.log10(number)) - 1)
    return math.ceil(number / 10**digits) * 10**digits


def growth(results: Path) -> str:
    """Seconds of jobs of more and more photographs."""
    record = read_record(results, NAME)
    body = [
        [f"{job['photographs']:,}", f"{job['seconds']:.0f} s", f"{1000 / job['per_second']:.1f} ms"]
        for job in record["growth"]
    ]
    size = record["provenance"]["config"]["growth_imgsz"]
    table = markdown(["photographs", "whole job", "a photograph, once it runs"], body)
    lead = f"With two actors and inputs of {size} px, which leave more of the cost to Ray and to decoding:"
    return f"{lead}\n\n{table}"


def billion(results: Path) -> str:
    """A billion photographs on machines of many cores, each core as fast as one of two busy ones here."""
    actors = (record := read_record(results, NAME))["actors"]["2"]
    rate = actors["per_second"] / 2
    seconds = BILLION / rate
    body = []
    for machines in MACHINES:
        cores = machines * CORES_OF_A_MACHINE
        body.append([f"{machines:,}", f"{cores:,}", f"{rate * cores:,.0f}", f"{seconds / cores / DAY:,.1f} days"])
    table = markdown([f"machines of {CORES_OF_A_MACHINE} cores", "actors", "photographs a second", "a billion"], body)
    memory = CORES_OF_A_MACHINE * actors["resident_bytes"] / 2**30
    rows = BILLION * record["bytes_per_row"] / 1e12
    return (
        f"On paper, with every core as fast as one of the two here, and all photographs as these: a billion takes "
        f"{seconds / HOUR:,.0f} hours of a core.\n\n{table}\n\nThe actors of such a machine hold {memory:.0f} GiB. The "
        f"rows take {rows:.1f} TB. Nobody has run this."
    )
