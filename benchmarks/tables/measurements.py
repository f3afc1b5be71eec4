"""Tables of trainings, of speed, of the second look and of generators, from their files in results/."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.tables.record import markdown, percent, read_record, source

REDUCED, WHOLE = "refinement", ("photographs", "photographs-640")
"""Records of the second look: on reduced photographs, and on whole ones at two input sizes."""


def small(results: Path) -> str:
    """Trunk, head and loss one at a time, in a small budget: a row for each `training-small-*.json`."""
    heads = ["model", "loss", "seed", "parameters", "box mAP50", "box mAP50-95", "pose mAP50-95", "landmark error"]
    body = []
    for file in sorted(results.glob("training-small-*.json")):
        record = read_record(results, file.stem)
        best, run = record["best"], record["provenance"]
        model = Path(run["config"]["model"]).stem
        changes = "".join(f", {key} {value:g}" for key, value in run["config"].get("face_loss", {}).items())
        body.append(
            [
                f"`{model}`",
                "Ultralytics" if model.endswith("-pose") else f"FaceLoss{changes}",
                str(run["seed"]),
                f"{record['parameters']:,}",
                *(f"{best[key]:.3f}" for key in ("box_map50", "box_map50_95", "pose_map50_95")),
                f"{100 * record['landmarks']['nme_box']:.1f} %",
                f"`{run['commit'][:7]}`",
            ]
        )
    return markdown([*heads, "commit"], body)


def speed(results: Path) -> str:
    """Times of one pass, a row a candidate, with one and two threads."""
    record, threads = read_record(results, "speed"), ("1 thread", "2 threads")
    body = [
        [comparison, name, *(f"{record[count][comparison][name]['elapsed_ms']:.0f}" for count in threads)]
        for comparison in record[threads[0]]
        if comparison != "share of the forward"
        for name in record[threads[0]][comparison]
    ]
    return _with_source(markdown(["[ms]", "", *threads], body), record, "speed")


def refinement(results: Path) -> str:
    """Ways to find small faces, for each reduction of the photographs."""
    record = read_record(results, REDUCED)
    groups = {f"1/{reduction}": systems for reduction, systems in record["reductions"].items()}
    return _with_source(_detections(groups), record, REDUCED)


def photographs(results: Path) -> str:
    """Windows from the input and from the photograph, beside larger inputs."""
    records = {name: read_record(results, name) for name in WHOLE}
    groups = {f"{record['provenance']['config']['imgsz']} px": record["systems"] for record in records.values()}
    table = _detections(groups, "input")
    for name, record in records.items():
        table = _with_source(table, record, name)
    return table


def nms(results: Path) -> str:
    """Suppression by IoU and by CIoU."""
    record = read_record(results, "nms")
    return _with_source(_detections({"whole": record["suppression"]}), record, "nms")


def _detections(groups: dict[str, dict[str, Any]], heading: str = "photographs") -> str:
    """Average precision, in all and by face height, F1 and time: a row a system."""
    bands = [*next(iter(next(iter(groups.values())).values()))["by_height"]]
    body = [
        [
            group,
            name,
            *map(percent, (figures["ap50"], *(cell["ap50"] for cell in figures["by_height"].values()))),
            f"{figures['best_f1']:.3f}",
            f"{figures['ms']:.0f} ms",
        ]
        for group, systems in groups.items()
        for name, figures in systems.items()
    ]
    return markdown([heading, "detector", "AP50", *bands, "best F1", "time"], body)


def stages(results: Path) -> str:
    """Times of a refined forward pass, a row a stage."""
    record = read_record(results, "refinement-stages")
    counts = [name for name in record if name.endswith("threads")]
    columns = [(count, enlargement) for count in counts for enlargement in record[count]]
    body = [
        [stage, *(f"{record[count][enlargement][stage]:.1f}" for count, enlargement in columns)]
        for stage in record[counts[0]][columns[0][1]]
    ]
    heads = ["[ms]", *(f"{enlargement}, {count}" for count, enlargement in columns)]
    return _with_source(markdown(heads, body), record, "refinement-stages")


def detector(results: Path) -> str:
    """What `FaceDetector` costs beside its network, and from the start of Python, beside other ways."""
    record = read_record(results, "detector")
    columns = list(record["median_ms"])
    rows = dict.fromkeys(name for figures in record["median_ms"].values() for name in figures)
    body = [
        [name, *(f"{figures[name]:.0f}" if name in figures else "-" for figures in record["median_ms"].values())]
        for name in rows
    ]
    return _with_source(markdown(["[ms]", *columns], body), record, "detector")


def tiles(results: Path) -> str:
    """Tiles on photographs of 12 megapixels, beside larger inputs and the second look."""
    record = read_record(results, "tiles")
    return _with_source(_detections({str(record["photographs"]): record["systems"]}), record, "tiles")


def generator(results: Path) -> str:
    """PSNR and SSIM of bicubic enlargement and of a generator, a row a method."""
    record = read_record(results, "generator-x2")
    scale = record["provenance"]["config"]["scale"]
    body = [
        [name, f"x{scale}", *(cell for found in quality.values() for cell in _quality(found))]
        for name, quality in record["quality"].items()
    ]
    heads = ["enlargement", "factor", "antialiased: PSNR", "SSIM", "not antialiased: PSNR", "SSIM"]
    return _with_source(markdown(heads, body), record, "generator-x2")


def _quality(found: dict[str, float]) -> tuple[str, str]:
    return f"{found['psnr']:.2f} dB", f"{found['ssim']:.3f}"


def _with_source(table: str, record: dict[str, Any], name: str) -> str:
    return f"{table}\n\n{source(record, name)}"
