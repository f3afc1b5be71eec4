"""Write the tables of README.md and docs/ from the files in results/, or check that they are current."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PAGES = (ROOT / "README.md", ROOT / "docs" / "training.md", ROOT / "docs" / "refinement.md")
BLOCK = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end of table -->)", re.DOTALL)


def training(results: Path) -> str:
    """The comparison on real photographs."""
    return _runs(results, ("aesvc", "stock"))


def small(results: Path) -> str:
    """Trunk, head and loss one at a time, in a small budget."""
    files = sorted(results.glob("training-small-*.json"))
    return _runs(results, [file.stem.removeprefix("training-") for file in files])


def _runs(results: Path, names: Sequence[str]) -> str:
    """A row for each `training-NAME.json`."""
    rows = [
        "| model | loss | seed | parameters | box mAP50 | box mAP50-95 | pose mAP50-95 | landmark error |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name in names:
        record = json.loads((results / f"training-{name}.json").read_text())
        best, run = record["best"], record["provenance"]
        model = Path(run["config"]["model"]).stem
        changes = "".join(f", {key} {value:g}" for key, value in run["config"].get("face_loss", {}).items())
        cells = [
            f"`{model}`",
            "Ultralytics" if model.endswith("-pose") else f"FaceLoss{changes}",
            str(run["seed"]),
            f"{record['parameters']:,}",
            *(f"{best[key]:.3f}" for key in ("box_map50", "box_map50_95", "pose_map50_95")),
            f"{100 * record['landmarks']['nme_box']:.1f} %",
        ]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def speed(results: Path) -> str:
    """Times of one pass, a row a candidate, with one and two threads."""
    record = json.loads((results / "speed.json").read_text())
    threads = ("1 thread", "2 threads")
    rows = [f"| [ms] | | {' | '.join(threads)} |", "| --- | --- | --- | --- |"]
    for comparison in (name for name in record[threads[0]] if name != "share of the forward"):
        for name in record[threads[0]][comparison]:
            times = [f"{record[count][comparison][name]['elapsed_ms']:.0f}" for count in threads]
            rows.append(f"| {comparison} | {name} | {' | '.join(times)} |")
    return "\n".join(rows)


def refinement(results: Path) -> str:
    """Average precision, by face height too, and time of each way to find small faces, for each reduction."""
    record = json.loads((results / "refinement.json").read_text())
    bands = [*next(iter(next(iter(record["reductions"].values())).values()))["by_height"]]
    rows = [
        f"| photographs | detector | AP50 | {' | '.join(bands)} | best F1 | time |",
        f"| --- | --- | {'--- | ' * (len(bands) + 3)}",
    ]
    for reduction, systems in record["reductions"].items():
        for name, figures in systems.items():
            sizes = [cell["ap50"] for cell in figures["by_height"].values()]
            shown = [f"{100 * figures['ap50']:.1f}", *("-" if ap is None else f"{100 * ap:.1f}" for ap in sizes)]
            cells = [f"1/{reduction}", name, *shown, f"{figures['best_f1']:.3f}", f"{figures['ms']:.0f} ms"]
            rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(row.rstrip() for row in rows)


TABLES: dict[str, Callable[[Path], str]] = {
    "training": training,
    "small": small,
    "speed": speed,
    "refinement": refinement,
}


def filled(page: str, results: Path) -> str:
    """The page with every marked block made anew."""

    def fill(block: re.Match[Any]) -> str:
        return f"{block[1]}{TABLES[block[2]](results)}\n{block[3]}"

    return BLOCK.sub(fill, page)


def main() -> None:
    """Read the command line, write or compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail if a table is not current, write nothing")
    check = parser.parse_args().check
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        current = filled(text, ROOT / "results")
        if not check:
            page.write_text(current, encoding="utf-8")
        elif text != current:
            sys.exit(f"{page.relative_to(ROOT)}: a table is not current; run tools/readme_tables.py")


if __name__ == "__main__":
    main()
