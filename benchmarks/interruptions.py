"""Press Ctrl-C at random moments of every command and record how each ends: status 130, and no traceback.

python -m benchmarks.interruptions          # writes results/interruptions.json
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from benchmarks.faults.inputs import make_inputs, sums
from benchmarks.faults.lines import LINES, Line, make_models
from benchmarks.faults.process import run
from benchmarks.provenance import REPOSITORY, provenance
from ultra_face.files.whole import PARTIAL

SEED = 0
TIMES = 3
RUNS = 2  # that nobody disturbs: the first fills caches, the second is measured


def main() -> None:
    """Read the command line, interrupt, and write the record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=LINES, default=list(LINES), help="commands (default: all)")
    parser.add_argument("--times", type=int, default=TIMES, help=f"of each command (default: {TIMES})")
    parser.add_argument("--output", type=Path, default=REPOSITORY / "results" / "interruptions.json")
    options = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell that starts this in the background ignores it
    record: dict[str, Any] = {"provenance": provenance({"times": options.times}, "faces drawn for this", SEED)}
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        make_inputs(scratch / "inputs")
        make_models(scratch / "inputs", scratch / "first")
        record["rows"] = {name: interrupt(name, LINES[name], scratch, options.times) for name in options.only}
    options.output.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def interrupt(name: str, line: Line, scratch: Path, times: int) -> dict[str, Any]:
    """Run a command undisturbed, then interrupt it so many times; what was seen of each."""
    inputs, output = scratch / "inputs", scratch / "output"
    words = line.of(name, inputs)
    for _ in range(RUNS):
        _empty(output)
        whole = run(words, output)
        if whole.status:
            raise RuntimeError(f"{name}: expected a run that succeeds, got status {whole.status}: {whole.said[-500:]}")
    before = sums(inputs)
    rng = np.random.default_rng([SEED, *name.encode()])
    seen: list[dict[str, Any]] = []
    too_late = 0
    with tqdm(total=times, desc=name) as bar:
        while len(seen) < times and too_late < 5 * times:
            _empty(output)
            moment = rng.uniform(0, whole.seconds)
            end = run(words, output, after=moment, number=signal.SIGINT)
            if end.status == 0:
                too_late += 1
                continue
            traceback = "Traceback" in end.said
            seen.append(
                {
                    "seconds": round(moment, 3),
                    "seconds to the end": round(end.seconds - moment, 3),
                    "status": end.shell_status,
                    "by the signal itself": end.status < 0,
                    "traceback": traceback,
                    "said": end.said[-2000:] if traceback or end.shell_status != line.end else "",
                    "left over": [file.name for file in output.rglob(f"*{PARTIAL}") if file.is_file()],
                    "inputs unchanged": sums(inputs) == before,
                }
            )
            bar.update()
    return {"seconds": round(whole.seconds, 3), "ended before": too_late, "expected": line.end, "interruptions": seen}


def _empty(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()


if __name__ == "__main__":
    main()
