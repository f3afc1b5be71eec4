"""Write the tables of README.md from the files in results/, or check that they are current."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end of table -->)", re.DOTALL)


def training(results: Path) -> str:
    """Training on real photographs: a row a model."""
    rows = ["| model | parameters | box mAP50 | box mAP50-95 | pose mAP50-95 | landmark error |", "| --- " * 6 + "|"]
    for file in ("training-aesvc.json", "training-stock.json"):
        record = json.loads((results / file).read_text())
        best, config = record["best"], record["provenance"]["config"]
        rows.append(
            f"| `{Path(config['model']).stem}` | {record['parameters']:,} | {best['box_map50']:.3f} "
            f"| {best['box_map50_95']:.3f} | {best['pose_map50_95']:.3f} "
            f"| {100 * record['landmarks']['nme_box']:.2f} % |"
        )
    return "\n".join(rows)


TABLES: dict[str, Callable[[Path], str]] = {"training": training}


def filled(page: str, results: Path) -> str:
    """The page with every marked block made anew."""

    def fill(block: re.Match[Any]) -> str:
        return f"{block[1]}{TABLES[block[2]](results)}\n{block[3]}"

    return BLOCK.sub(fill, page)


def main() -> None:
    """Read the command line, write or compare."""
    add = (parser := argparse.ArgumentParser(description=__doc__)).add_argument
    add("--check", action="store_true", help="fail if the tables are not current, write nothing")
    add("--page", type=Path, default=ROOT / "README.md", help="page with the tables")
    choices = parser.parse_args()
    current = filled(page := choices.page.read_text(encoding="utf-8"), ROOT / "results")
    if not choices.check:
        choices.page.write_text(current, encoding="utf-8")
    elif page != current:
        sys.exit(f"{choices.page}: the tables are not current; run tools/readme_tables.py")


if __name__ == "__main__":
    main()
