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
    """Ways to find small faces, for each reduction of the photographs."""
    reductions = json.loads((results / "refinement.json").read_text())["reductions"]
    return _detections({f"1/{reduction}": systems for reduction, systems in reductions.items()})


def photographs(results: Path) -> str:
    """Windows from the input and from the photograph."""
    return _detections({"whole": json.loads((results / "photographs.json").read_text())["systems"]})


def nms(results: Path) -> str:
    """Suppression by IoU and by CIoU."""
    return _detections({"whole": json.loads((results / "nms.json").read_text())["suppression"]})


def _detections(groups: dict[str, dict[str, Any]]) -> str:
    """Average precision, in all and by face height, F1 and time: a row a system."""
    bands = [*next(iter(next(iter(groups.values())).values()))["by_height"]]
    heads = ["photographs", "detector", "AP50", *bands, "best F1", "time"]
    rows = [f"| {' | '.join(heads)} |", f"|{' --- |' * len(heads)}"]
    for group, systems in groups.items():
        for name, figures in systems.items():
            sizes = [cell["ap50"] for cell in figures["by_height"].values()]
            precisions = ["-" if ap is None else f"{100 * ap:.1f}" for ap in (figures["ap50"], *sizes)]
            cells = [group, name, *precisions, f"{figures['best_f1']:.3f}", f"{figures['ms']:.0f} ms"]
            rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def stages(results: Path) -> str:
    """Times of a refined forward pass, a row a stage."""
    record = json.loads((results / "refinement-stages.json").read_text())
    counts = [name for name in record if name.endswith("threads")]
    columns = [(count, enlargement) for count in counts for enlargement in record[count]]
    heads = ["[ms]", *(f"{enlargement}, {count}" for count, enlargement in columns)]
    rows = [f"| {' | '.join(heads)} |", f"|{' --- |' * len(heads)}"]
    for stage in record[counts[0]][columns[0][1]]:
        times = [f"{record[count][enlargement][stage]:.1f}" for count, enlargement in columns]
        rows.append(f"| {stage} | {' | '.join(times)} |")
    return "\n".join(rows)


def generator(results: Path) -> str:
    """PSNR and SSIM of bicubic enlargement and of generators, a row a method and factor."""
    rows = [
        "| enlargement | factor | antialiased: PSNR | SSIM | not antialiased: PSNR | SSIM |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for file in sorted(results.glob("generator*.json")):
        record = json.loads(file.read_text())
        for name, quality in record["quality"].items():
            cells = [f"{found['psnr']:.2f} dB | {found['ssim']:.3f}" for found in quality.values()]
            rows.append(f"| {name} | x{record['provenance']['config']['scale']} | {' | '.join(cells)} |")
    return "\n".join(rows)


TABLES: dict[str, Callable[[Path], str]] = {
    "training": training,
    "small": small,
    "speed": speed,
    "refinement": refinement,
    "photographs": photographs,
    "nms": nms,
    "stages": stages,
    "generator": generator,
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
