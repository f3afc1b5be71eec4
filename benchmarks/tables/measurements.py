"""Tables of trainings, of speed, of the second look and of generators, from their files in results/."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any


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
