"""Pages with marked tables, each made anew from the result files: which function makes which table."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.tables import (
    ablation,
    beside,
    bulk,
    endurance,
    equal_budget,
    faults,
    formats,
    fuzzing,
    measurements,
    papers,
    quantised,
    reliability,
)  # fmt: skip

BLOCK = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end of table -->)", re.DOTALL)

TABLES: dict[str, Callable[[Path], str]] = {
    "small": measurements.small,
    "speed": measurements.speed,
    "refinement": measurements.refinement,
    "photographs": measurements.photographs,
    "nms": measurements.nms,
    "stages": measurements.stages,
    "generator": measurements.generator,
    "detector": measurements.detector,
    "tiles": measurements.tiles,
    "formats": formats.formats,
    "formats_not_run": formats.formats_not_run,
    "int8": quantised.int8,
    "reliability": reliability.reliability,
    "calibration": reliability.calibration,
    "calibration_crowds": reliability.calibration_crowds,
    "precisions": reliability.precisions,
    "ablation_protocol": ablation.protocol,
    "ablation_losses": ablation.losses,
    "ablation_layers": ablation.layers,
    "kills": faults.kills,
    "interruptions": faults.interruptions,
    "disks": faults.disks,
    "fuzzing": fuzzing.fuzzing,
    "endurance": endurance.endurance,
    "bulk": bulk.bulk,
    "bulk_growth": bulk.growth,
    "bulk_billion": bulk.billion,
    "peers": beside.peers,
    "peers_protocol": beside.protocol,
    "peers_summary": beside.summary,
    "folded": beside.folded,
    "sets": beside.sets,
    "threshold": beside.threshold,
    "steps": beside.steps,
    "equal": equal_budget.equal,
    "equal_protocol": equal_budget.protocol,
    "paper_2": papers.table_2,
    "paper_3": papers.table_3,
    "paper_4": papers.table_4,
    "models": papers.models,
    "paper_protocol": papers.protocol,
    "published": papers.others,
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
