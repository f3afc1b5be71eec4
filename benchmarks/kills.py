"""Kill commands at random moments, run them again, and record what they left and what came of it.

Every second moment is one of the whole run, the others come after the first file has been written: most of a short run
is the import of torch.

python -m benchmarks.kills                  # writes results/kills.json
python -m benchmarks.kills --only bulk      # writes results/kills-bulk.json
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from benchmarks.faults.checks import state
from benchmarks.faults.inputs import make_inputs, sums
from benchmarks.faults.killed import KILLED, Killed
from benchmarks.faults.process import run
from benchmarks.provenance import REPOSITORY, provenance

SEED = 0
RUNS = 2  # that nobody disturbs: the first fills caches, the second is measured


def main() -> None:
    """Read the command line, kill, and write the record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=KILLED, help="commands (default: all)")
    parser.add_argument("--kills", type=int, help="of each command (default: what the table says)")
    parser.add_argument("--output", type=Path, help="of the record (default: results/kills.json or kills-NAME.json)")
    options = parser.parse_args()
    names = options.only or list(KILLED)
    name = "-".join(["kills", *(options.only or [])])
    record = {"provenance": provenance({"runs that nobody disturbs": RUNS}, "faces drawn for this", SEED)}
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        make_inputs(scratch / "inputs")
        record["rows"] = {each: kill(KILLED[each], each, scratch, options.kills) for each in names}
    file = options.output or REPOSITORY / "results" / f"{name}.json"
    file.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def kill(command: Killed, name: str, scratch: Path, kills: int | None) -> dict[str, Any]:
    """Run a command undisturbed, then kill it so many times; what was seen of each kill."""
    inputs, reference, output = (scratch / part for part in ("inputs", "reference", "output"))
    for _ in range(RUNS):
        _empty(reference, command, inputs)
        given = sums(reference)
        begin = time.time()
        end = run(command.words(inputs, output), _moved(reference, output))
        output.rename(reference)
        if end.status:
            raise RuntimeError(f"{name}: expected a run that succeeds, got status {end.status}: {end.said[-500:]}")
    writes_from = min((reference / path).stat().st_mtime for path in sums(reference) if path not in given) - begin
    before = sums(inputs)
    rng = np.random.default_rng([SEED, *name.encode()])
    seen: list[dict[str, Any]] = []
    too_late, wanted = 0, command.kills if kills is None else kills
    with tqdm(total=wanted, desc=name) as bar:
        while len(seen) < wanted:
            _empty(output, command, inputs)
            given = sums(output)
            earliest = writes_from if len(seen) % 2 else 0.0
            moment = rng.uniform(min(max(earliest, 0.0), 0.9 * end.seconds), end.seconds)
            if run(command.words(inputs, output), output, after=moment).status >= 0:
                too_late += 1
                continue
            left, wrong = state(output, reference, given), command.after_kill(output, reference)
            refused = command.refused(output)
            words = (command.again or command.words)(inputs, output)
            second = None if words is None else run(words, output)
            completes = second is None or second.status == 0
            different = command.after_all(output, reference) if completes else "no second run"
            seen.append(
                {
                    "seconds": round(moment, 3),
                    "left": "a part" if refused else left,
                    "passed for whole": wrong,
                    "refused": refused,
                    "second run completes": completes,
                    "said": "" if completes or second is None else second.said[-2000:],
                    "differs": different,
                    "inputs unchanged": sums(inputs) == before and given.items() <= sums(output).items(),
                }
            )
            bar.update()
    shutil.rmtree(reference)
    shutil.rmtree(output)
    times = {"seconds": round(end.seconds, 3), "seconds before it writes": round(writes_from, 3)}
    return {**times, "ended before the kill": too_late, "kills": seen}


def _empty(folder: Path, command: Killed, inputs: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    command.before(inputs, folder)


def _moved(reference: Path, output: Path) -> Path:
    """An undisturbed run works where the killed ones will: files name their folders."""
    shutil.rmtree(output, ignore_errors=True)
    return reference.rename(output)


if __name__ == "__main__":
    main()
