"""Try broken and hostile input of every kind that the package reads, and count what comes of it.

    python -m benchmarks.fuzz
    python -m benchmarks.fuzz --only images --images photographs --number 1000
    python -m benchmarks.fuzz --only labels --case 4711

Each input is made of a good one by a seed, and tried in a process that is ended when it hangs for 10 s or takes
2 GiB more.
The record goes to results/fuzz.json where everything has run.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tqdm import tqdm

from benchmarks.fuzzing.case import MUST_NOT_HAPPEN, Family
from benchmarks.fuzzing.families import FAMILIES
from benchmarks.fuzzing.seeds import Seeds, make_seeds
from benchmarks.fuzzing.workers import Keeper
from benchmarks.provenance import REPOSITORY, provenance

RESULT = REPOSITORY / "results" / "fuzz.json"
SEED = 14


def main() -> None:
    """Read the command line, try, print and record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=FAMILIES, help="one family; writes no record")
    parser.add_argument("--number", type=int, help="so many cases of each family; writes no record")
    parser.add_argument("--case", type=int, help="of --only, one case alone, and all that came of it")
    parser.add_argument("--images", type=Path, help="folder of real photographs, which join the drawn ones")
    options = parser.parse_args()
    for name in ("YOLO_AUTOINSTALL", "YOLO_OFFLINE"):
        os.environ[name] = "false" if name == "YOLO_AUTOINSTALL" else "true"
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        root = Path(folder).resolve()
        os.environ["YOLO_CONFIG_DIR"] = str(root / "settings")
        seeds = make_seeds(root / "seeds", options.images)
        names = [options.only] if options.only else list(FAMILIES)
        if options.case is not None:
            keeper = _keeper(names[0], seeds, root)
            print(keeper.tried(options.case))
            keeper.stop()
            return
        counts = {name: count(name, seeds, root, options.number) for name in names}
    if not options.only and not options.number:
        data = "drawn pictures" if options.images is None else "drawn pictures and photographs"
        record = {"provenance": provenance({"seconds": 10, "GiB": 2}, data, SEED), "families": counts}
        RESULT.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def count(name: str, seeds: Seeds, root: Path, number: int | None) -> dict[str, object]:
    """Try the cases of a family; what must not happen is shown as it comes, a kind of error once."""
    keeper, began = _keeper(name, seeds, root), time.monotonic()
    total = number or FAMILIES[name].cases
    outcomes: dict[str, Counter[str]] = {}
    shown: Counter[str] = Counter()
    for case in tqdm(range(total), desc=name):
        outcome = keeper.tried(case)
        outcomes.setdefault(outcome.mutation, Counter())[outcome.kind] += 1
        if outcome.kind in MUST_NOT_HAPPEN:
            last = outcome.why.strip().splitlines()[-1:] or [""]
            shown[f"{outcome.kind}: {last[0][:60]}"] += 1
            if shown[f"{outcome.kind}: {last[0][:60]}"] == 1:
                tqdm.write(f"{name} {case}, {outcome.mutation}: {outcome.kind}\n{outcome.why}")
    keeper.stop()
    for line, times in shown.most_common():
        tqdm.write(f"  {times:6} x {line}")
    tqdm.write(f"{name}: {dict(sum(outcomes.values(), Counter()))}, {time.monotonic() - began:.0f} s")
    return {mutation: dict(kinds) for mutation, kinds in sorted(outcomes.items())}


def _keeper(name: str, seeds: Seeds, root: Path) -> Keeper:
    open_family: Callable[[], Family] = partial(FAMILIES[name].open, seeds)
    return Keeper(open_family, root / "sandbox", SEED, name)


if __name__ == "__main__":
    main()
