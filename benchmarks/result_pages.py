"""Pages with marked tables, each made anew from the result files: which function makes which table."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import equal_tables
import paper_tables
import peer_tables
import result_tables

BLOCK = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end of table -->)", re.DOTALL)

TABLES: dict[str, Callable[[Path], str]] = {
    "training": result_tables.training,
    "small": result_tables.small,
    "speed": result_tables.speed,
    "refinement": result_tables.refinement,
    "photographs": result_tables.photographs,
    "nms": result_tables.nms,
    "stages": result_tables.stages,
    "generator": result_tables.generator,
    "peers": peer_tables.peers,
    "peers_protocol": peer_tables.protocol,
    "peers_summary": peer_tables.summary,
    "sets": peer_tables.sets,
    "steps": peer_tables.steps,
    "equal": equal_tables.equal,
    "equal_protocol": equal_tables.protocol,
    "paper_2": paper_tables.table_2,
    "paper_3": paper_tables.table_3,
    "paper_4": paper_tables.table_4,
    "models": paper_tables.models,
    "paper_protocol": paper_tables.protocol,
    "published": paper_tables.others,
}


def filled(page: str, results: Path) -> str:
    """The page with every marked block made anew from the files in a folder.

    Raises:
        FileNotFoundError: a result file that a table needs is missing.
        KeyError: a block of a name that no function makes.
    """

    def fill(block: re.Match[Any]) -> str:
        return f"{block[1]}{TABLES[block[2]](results)}\n{block[3]}"

    return BLOCK.sub(fill, page)
