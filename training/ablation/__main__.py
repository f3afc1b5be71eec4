"""Train and measure every row of a comparison with every seed; what has a record is done.

    python -m training.ablation --data DATA.yaml --data-name "photographs in words" --epochs 10
    python -m training.ablation --data DATA.yaml --data-name "..." --rows stock face --seeds 0 1 2 --epochs 10
    python -m training.ablation --data DATA.yaml --data-name "..." --device 0 --workers 2 --parallel 8 --time 10

A run that is interrupted goes on from its last checkpoint when the same command runs again; its random numbers start
anew then, so that it ends near the uninterrupted one and not at it. Every run is a process of its own, which writes
`RESULTS/ROW-SEED.json`; what it says goes to `RUNS/ROW-SEED/log.txt`. Rows are in `training/ablation/rows.py`.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from ultralytics.data import YOLODataset
from ultralytics.data.utils import check_det_dataset

import ultra_face
from benchmarks.provenance import REPOSITORY, provenance
from training.ablation.rows import ROWS
from training.ablation.run import Budget, record
from ultra_face.cli.command import command, not_negative, positive
from ultra_face.files.whole import write_file

RESULTS = REPOSITORY / "results" / "ablation"
BEFORE_AND_AFTER = 45.0
"""Seconds that a run needs beside its training: to start, to read the photographs, to find faces in the others."""


class Run(NamedTuple):
    """A row with a seed."""

    row: str
    seed: int

    @property
    def name(self) -> str:
        """Of its folder and its record."""
        return f"{self.row}-{self.seed}"


@command("ablation")
def main() -> None:
    """Read the command line; do the one run that is asked for, or start a process for each."""
    options = _parser().parse_args()
    asked = [Run(row, seed) for seed in options.seeds for row in options.rows]
    left = [run for run in asked if not _record_file(options, run).exists()]
    print(f"{len(asked)} runs, of which {len(asked) - len(left)} have a record", flush=True)
    if len(asked) > 1:
        _start_all(left, options)
    elif left:
        _do(left[0], options)


def _do(run: Run, options: argparse.Namespace) -> None:
    """Train, measure and record in this process."""
    if options.results == RESULTS and provenance({}, "", None)["dirty"] is not False:
        raise ValueError("results: records come of a clean commit; commit first, or name another folder by --results")
    ultra_face.register()
    budget = Budget(
        epochs=options.epochs,
        hours=None if options.time is None else share(options.time, rounds=1) / 3600,
        imgsz=options.imgsz,
        device=options.device,
        threads=options.threads,
        workers=options.workers,
    )
    given = {"data": options.data, "data_name": options.data_name, "budget": budget, "runs": options.runs}
    made = record(run.row, ROWS[run.row], run.seed, **given)
    file = _record_file(options, run)
    write_file(file, (json.dumps(made, indent=1) + "\n").encode())
    print(f"wrote {file}")


def _start_all(runs: Sequence[Run], options: argparse.Namespace) -> None:
    """A process for each run, so many at a time, and one line for each that ends."""
    if runs:
        _scan_labels(options.data)
    rounds = math.ceil(len(runs) / options.parallel)
    minutes = [] if options.time is None else ["--time", f"{options.time / max(rounds, 1)}"]
    environment = os.environ | {"OMP_NUM_THREADS": str(options.threads)}

    def start(run: Run) -> int:
        log = options.runs / run.name / "log.txt"
        log.parent.mkdir(parents=True, exist_ok=True)
        # Of two values for one option the later one counts.
        only = [*minutes, "--rows", run.row, "--seeds", str(run.seed), "--parallel", "1"]
        line = [sys.executable, "-m", "training.ablation", *sys.argv[1:], *only]
        with log.open("a", encoding="utf-8") as lines:
            code = subprocess.run(line, env=environment, stdout=lines, stderr=subprocess.STDOUT).returncode
        print(f"{run.name}: {_outcome(options, run)}" if code == 0 else f"{run.name}: failed, see {log}", flush=True)
        return code

    with ThreadPoolExecutor(options.parallel) as pool:
        failed = sum(code != 0 for code in pool.map(start, runs))
    if failed:
        raise ValueError(f"{failed} of {len(runs)} runs failed; their logs say why; the same command does them again")


def _scan_labels(data: str) -> None:
    """Have Ultralytics read all labels once: runs that start together would each write its cache of them."""
    described = check_det_dataset(data)
    for part in ("train", "val"):
        YOLODataset(img_path=described[part], data=described, task="pose", augment=False)


def share(minutes: float, *, rounds: int) -> float:
    """Seconds of training that each run gets of so many minutes in all, when so many follow one another.

    Raises:
        ValueError: nothing is left beside what a run needs before and after.
    """
    seconds = 60 * minutes / rounds - BEFORE_AND_AFTER
    if seconds <= 0:
        raise ValueError(
            f"--time: expected more than {BEFORE_AND_AFTER:.0f} s for each run, got {60 * minutes / rounds:.0f} s; "
            "choose fewer rows, more time, or more runs at once with --parallel"
        )
    return seconds


def _outcome(options: argparse.Namespace, run: Run) -> str:
    made = json.loads(_record_file(options, run).read_text(encoding="utf-8"))
    landmarks = made["landmarks"] or {"nme_box": math.nan}
    return (
        f"AP50 {100 * made['ap50']['all']:.1f}, AP50-95 {100 * made['ap50_95']:.1f}, landmark error "
        f"{100 * landmarks['nme_box']:.2f} %, {made['steps']:,} steps of {made['batch_ms']:.0f} ms"
    )


def _record_file(options: argparse.Namespace, run: Run) -> Path:
    file: Path = options.results / f"{run.name}.json"
    return file


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training.ablation", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--data", required=True, help="data YAML with train and val")
    add("--data-name", required=True, help="the data in words, for the records")
    add("--rows", nargs="+", choices=ROWS, default=list(ROWS), metavar="ROW", help=f"of {', '.join(ROWS)}")
    add("--seeds", nargs="+", type=int, default=[0], metavar="SEED", help="the first seed of all rows comes first")
    add("--epochs", type=positive, default=100, help="of each training")
    add("--time", type=not_negative, metavar="MINUTES", help="instead of epochs: wall-clock time of all runs together")
    add("--imgsz", type=positive, default=320, help="side of the input [px]")
    add("--device", default="cpu", help="as Ultralytics names devices")
    add("--threads", type=positive, default=1, help="threads of torch on the CPU")
    add("--workers", type=int, default=0, help="processes that load photographs for one training")
    add("--parallel", type=positive, default=1, help="runs at once")
    add("--runs", type=Path, default=Path("runs/ablation"), help="folder of checkpoints and logs")
    add("--results", type=Path, default=RESULTS, help="folder of the records")
    return parser


if __name__ == "__main__":
    main()
