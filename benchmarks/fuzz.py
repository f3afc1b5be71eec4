"""Try broken and hostile input of every kind that the package reads, and count what comes of it.

    python -m benchmarks.fuzz
    python -m benchmarks.fuzz --only images --images photographs --number 1000
    python -m benchmarks.fuzz --only labels --case 4711

Each input is made of a good one by a seed, and tried in a process that is ended when it computes for 10 s, waits
for 60 s or takes 2 GiB more.
The counts of each family go to results/fuzz.json when all its cases have run.
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
from typing import Any

from tqdm import tqdm

from benchmarks.fuzzing.case import MEMORY, MUST_NOT_HAPPEN, SECONDS, Family
from benchmarks.fuzzing.families import FAMILIES
from benchmarks.fuzzing.seeds import Seeds, make_seeds
from benchmarks.fuzzing.workers import Keeper
from benchmarks.provenance import REPOSITORY, provenance

RESULT = REPOSITORY / "results" / "fuzz.json"
SEED = 14


def main() -> None:
    """Read the command line, try, print and record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=FAMILIES, help="one family")
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
        data = "drawn pictures" if options.images is None else "drawn pictures and photographs"
        for name in names:
            outcomes, seconds = count(name, seeds, root, options.number)
            if options.number is None:
                record(name, outcomes, seconds, provenance({"seconds": SECONDS, "bytes": MEMORY}, data, SEED))


def record(name: str, outcomes: dict[str, dict[str, int]], seconds: float, origin: dict[str, Any]) -> None:
    """Write what came of a family beside the other families of the record."""
    content = json.loads(RESULT.read_text(encoding="utf-8")) if RESULT.exists() else {"families": {}}
    families = content["families"] | {
        name: {"commit": origin["commit"], "seconds": round(seconds), "outcomes": outcomes}
    }
    in_order = {each: families[each] for each in FAMILIES if each in families}
    RESULT.write_text(json.dumps({"provenance": origin, "families": in_order}, indent=2) + "\n", encoding="utf-8")


def count(name: str, seeds: Seeds, root: Path, number: int | None) -> tuple[dict[str, dict[str, int]], float]:
    """Try the cases of a family: how often each outcome came, by mutation, and how many seconds it took.

    What must not happen is shown as it comes, a kind of error once.
    """
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
    return {mutation: dict(kinds) for mutation, kinds in sorted(outcomes.items())}, time.monotonic() - began


def _keeper(name: str, seeds: Seeds, root: Path) -> Keeper:
    open_family: Callable[[], Family] = partial(FAMILIES[name].open, seeds)
    return Keeper(open_family, root / "sandbox", SEED, name)


if __name__ == "__main__":
    main()
