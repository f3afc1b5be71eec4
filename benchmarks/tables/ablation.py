"""Tables of `python -m training.ablation`, from however many of its records there are: means and spreads over seeds.

A spread is the largest figure less the smallest; of a row with one seed it is unknown. A difference counts where it
exceeds the spreads of both rows; then it is set in bold.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

import yaml

from benchmarks.tables import record as of
from benchmarks.tables.record import markdown, read_record
from training.ablation.rows import LAYERS, LOSSES

FOLDER = "ablation"  # below results/
BASE, FREE_BASE, STOCK = "face", "face-free", "stock"
TABLE_2 = ("face", "mc4f", "aesvc-only", "mspam", "cbam", "aesvc-mc4f", "aesvc")
"""Rows here, in the order of the paper's."""
SUBSETS = ("easy", "medium", "hard")
COST = ("M", "GFLOPs", "ms a batch")
SAME = ("epochs", "time", "imgsz", "batch", "nbs", "amp")
"""Settings that all records share, or their figures do not compare."""

Records = Mapping[str, Sequence[dict[str, Any]]]


@dataclass(frozen=True)
class Figures:
    """One figure of a row, over its seeds."""

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Over the seeds."""
        return mean(self.values)

    @property
    def spread(self) -> float | None:
        """Largest less smallest; None for a single seed."""
        return max(self.values) - min(self.values) if len(self.values) > 1 else None

    def beside(self, other: Figures) -> tuple[float, bool]:
        """The difference of the means, and whether it exceeds both spreads; where one is unknown, it does not."""
        difference = self.mean - other.mean
        spreads = [self.spread, other.spread]
        return difference, all(spread is not None and abs(difference) > spread for spread in spreads)


FIGURES: Mapping[str, Callable[[dict[str, Any]], float | None]] = {
    "AP50": lambda record: _percent(record["ap50"]["all"]),
    "AP50-95": lambda record: _percent(record["ap50_95"]),
    "< 20 px": lambda record: _percent(record["by_height"]["0-20 px"]),
    "20-50 px": lambda record: _percent(record["by_height"]["20-50 px"]),
    ">= 50 px": lambda record: _percent(record["by_height"]["50-inf px"]),
    "landmark error": lambda record: _percent((record["landmarks"] or {}).get("nme_box")),
    "profiles found": lambda record: _percent(_share(record.get("profiles"))),
}
"""All in percent; the error is a share of the box, and less of it is better. Early records know no profiles."""


def read_records(results: Path) -> Records:
    """All records by row.

    Raises:
        ValueError: a record that is not of a clean commit, or records of different budgets.
    """
    records: dict[str, list[dict[str, Any]]] = {}
    for file in sorted((results / FOLDER).glob("*.json")):
        record = read_record(file.parent, file.stem)
        records.setdefault(record["provenance"]["config"]["row"], []).append(record)
    for key in SAME:
        found = {str(_settings(record).get(key)) for rows in records.values() for record in rows}
        if len(found) > 1:
            raise ValueError(
                f"{results / FOLDER}: expected records of one budget, got {key} {' and '.join(sorted(found))}; "
                "measure those of one of them again"
            )
    return records


def protocol(results: Path) -> str:
    """The budget, the photographs, the machines and the commits."""
    records = [record for rows in read_records(results).values() for record in rows]
    if not records:
        return "No record yet."
    first = records[0]
    settings, runs = _settings(first), [record["provenance"] for record in records]
    budget = f"{60 * settings['time']:.1f} minutes" if settings["time"] else f"{settings['epochs']} epochs"
    machines = sorted({run["machine"]["processor"] for run in runs})
    commits = sorted({f"`{run['commit'][:7]}`" for run in runs})
    return "\n".join(
        [
            f"- Budget: {budget} at {settings['imgsz']} px from random weights, batch {settings['batch']}, recipe "
            f"`cfg/train/small-data.yaml`; {first['provenance']['config']['precision']}.",
            f"- Photographs: {', '.join(sorted({run['data'] for run in runs}))}; {first['photographs']:,} to measure "
            "on, the last weights, suppression at IoU 0.5.",
            "- In brackets the spread over the seeds, largest less smallest; a difference that exceeds both spreads is "
            "bold.",
            f"- {len(records)} run{'s' * (len(records) > 1)}; {', '.join(machines)}; commits {', '.join(commits)}; "
            f"`results/{FOLDER}/`.",
        ]
    )


def losses(results: Path) -> str:
    """The decision table: a row for each way to train that has a record, beside its base and Ultralytics' own."""
    records = read_records(results)
    names = [name for name in LOSSES if name in records]
    heads = ["row", "question", "seeds", *FIGURES, "beside", "AP50", "landmarks", "beside stock", *COST]
    body = []
    for name in names:
        base = FREE_BASE if name.startswith(FREE_BASE) else BASE
        base = STOCK if name in (BASE, FREE_BASE) else base
        differences = ["-"] * 3 if name == STOCK else [f"`{base}`", *_differences(records, name, base)]
        stock = "-" if name == STOCK else " / ".join(_differences(records, name, STOCK))
        described = [f"`{name}`", LOSSES[name].question, *_cells(records, name)]
        body.append([*described, *differences, stock, *_cost(records, name)])
    return markdown(heads, body)


def layers(results: Path) -> str:
    """The paper's Table 2 beside what was measured here, variants of its last row, and what is seen of the claims."""
    records, published = read_records(results), _published(results)
    heads = ["row", "paper: easy / medium / hard", "seeds", *FIGURES, "beside `face`", *COST]
    body = []
    for name in (*TABLE_2, *(name for name in LAYERS if name not in TABLE_2)):
        if name in records:
            difference = "-" if name == BASE else _differences(records, name, BASE)[0]
            body.append(
                [f"`{name}`", published.get(name, "-"), *_cells(records, name), difference, *_cost(records, name)]
            )
    return f"{markdown(heads, body)}\n\n{claims(results)}"


def claims(results: Path) -> str:
    """In words: for each layer whether what the paper found is seen here."""
    records, papers = read_records(results), _rows_of_the_paper(results)
    lines = []
    for name in TABLE_2[1:]:
        if name not in records or BASE not in records:
            continue
        row, base = papers[name], papers[BASE]
        gains = ", ".join(f"{row[subset] - base[subset]:+.2f} {subset}" for subset in SUBSETS)
        here, there = (_figures(records, which, "AP50") for which in (name, BASE))
        assert here is not None
        assert there is not None
        difference, counts = here.beside(there)
        if here.spread is None or there.spread is None:
            seen = "one seed decides nothing"
        elif counts:
            seen = "a gain is seen" if difference > 0 else "a loss is seen"
        else:
            seen = "nothing is seen beyond the spread"
        layer = row["model"].removeprefix("YOLOv5n + ")
        lines.append(f"- **{layer}**: paper {gains}; here {difference:+.1f} AP50: {seen}.")
    return "\n".join(lines) or "No record yet."


def _cells(records: Records, name: str) -> list[str]:
    """How many seeds, and each figure with its spread."""
    return [str(len(records[name])), *(_shown(_figures(records, name, figure)) for figure in FIGURES)]


def _shown(figures: Figures | None) -> str:
    if figures is None:
        return "-"
    return f"{figures.mean:.1f}" if figures.spread is None else f"{figures.mean:.1f} ({figures.spread:.1f})"


def _differences(records: Records, name: str, base: str) -> list[str]:
    """AP50 and landmark error beside another row."""
    cells = []
    for figure in ("AP50", "landmark error"):
        ours, theirs = (_figures(records, row, figure) for row in (name, base))
        if ours is None or theirs is None:
            cells.append("-")
        else:
            difference, counts = ours.beside(theirs)
            cells.append(f"**{difference:+.1f}**" if counts else f"{difference:+.1f}")
    return cells


def _cost(records: Records, name: str) -> list[str]:
    rows = records[name]
    return [*of.cost(rows[0]), f"{mean(row['batch_ms'] for row in rows):.0f}"]


def _figures(records: Records, name: str, figure: str) -> Figures | None:
    values = [FIGURES[figure](record) for record in records.get(name, ())]
    known = tuple(value for value in values if value is not None)
    return Figures(known) if known else None


def _settings(record: dict[str, Any]) -> dict[str, Any]:
    settings: dict[str, Any] = record["provenance"]["config"]["settings"]
    return settings


def _share(profiles: dict[str, float] | None) -> float | None:
    """Of the faces turned far, those that are found at a score of 0.25."""
    return profiles["found"] / profiles["faces"] if profiles and profiles["faces"] else None


def _percent(fraction: float | None) -> float | None:
    return None if fraction is None else 100 * fraction


def _published(results: Path) -> dict[str, str]:
    rows = _rows_of_the_paper(results)
    return {name: " / ".join(f"{row[subset]:.2f}" for subset in SUBSETS) for name, row in rows.items()}


def _rows_of_the_paper(results: Path) -> dict[str, dict[str, Any]]:
    tables = yaml.safe_load((results / "published.yaml").read_text(encoding="utf-8"))
    return dict(zip(TABLE_2, tables["aesvc-2"]["rows"], strict=True))
