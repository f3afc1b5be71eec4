"""What the start-up files cost every Python start, with the plugin on and switched off.

Three kinds of start of `python -c pass` take turns, so that a busy moment of the machine hits all alike: in a
virtual environment without the files, and in one with them, on and off. The cost is the median over the rounds of
the difference to the start without the files, in elapsed time and in processor time.

python benchmarks/bench_startup.py --rounds 300
"""

from __future__ import annotations

import argparse
import json
import os
import py_compile
import shutil
import statistics
import sysconfig
import tempfile
import time
import venv
from pathlib import Path
from typing import NamedTuple

from provenance import REPOSITORY, provenance

START_MODULE = "_ultra_face_autoload.py"
START_FILES = (START_MODULE, "ultra_face.pth", "ultra_face.start")
RESULT = REPOSITORY / "results" / "startup.json"


class Cost(NamedTuple):
    """Times of one start, or their difference [ms]."""

    elapsed_ms: float
    processor_ms: float


def measure(num_rounds: int) -> dict[str, list[Cost]]:
    """Times of each start, by kind."""
    with tempfile.TemporaryDirectory() as folder:
        without = environment(Path(folder, "without"))
        equipped = environment(Path(folder, "with"))
        install_start_files(equipped)
        kinds = {"without": (without, "1"), "on": (equipped, "1"), "off": (equipped, "0")}
        rounds = [{kind: start(*how) for kind, how in kinds.items()} for _ in range(num_rounds)]
    return {kind: [costs[kind] for costs in rounds] for kind in kinds}


def environment(folder: Path) -> Path:
    """Make an empty virtual environment."""
    venv.create(folder, with_pip=False)
    return folder


def install_start_files(folder: Path) -> None:
    """Put the start-up files into a virtual environment as pip does, the module compiled."""
    site_packages = sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)})
    for name in START_FILES:
        shutil.copy(REPOSITORY / "activation" / name, site_packages)
    py_compile.compile(str(Path(site_packages, START_MODULE)), doraise=True)


def start(folder: Path, autoload: str) -> Cost:
    """Start the interpreter of a virtual environment and wait for its end."""
    python = str(folder / "bin" / "python")
    begin = time.perf_counter()
    process = os.posix_spawn(python, [python, "-c", "pass"], {**os.environ, "ULTRA_FACE_AUTOLOAD": autoload})
    _, status, usage = os.wait4(process, 0)
    elapsed = time.perf_counter() - begin
    if status != 0:
        raise RuntimeError(f"{python} -c pass: expected status 0, got {status}")
    return Cost(1e3 * elapsed, 1e3 * (usage.ru_utime + usage.ru_stime))


def medians(costs: list[Cost]) -> dict[str, float]:
    """Median of each time [ms]."""
    return {name: statistics.median(times) for name, times in zip(Cost._fields, zip(*costs, strict=True), strict=True)}


def main() -> None:
    """Measure, print and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=300, help="starts of each kind")
    num_rounds = parser.parse_args().rounds
    starts = measure(num_rounds)
    figures = {f"start {kind}": medians(costs) for kind, costs in starts.items()}
    for kind in ("on", "off"):
        pairs = zip(starts[kind], starts["without"], strict=True)
        figures[f"cost {kind}"] = medians([Cost(a[0] - b[0], a[1] - b[1]) for a, b in pairs])
    record = {"provenance": provenance({"rounds": num_rounds}, "none", None), "median": figures}
    RESULT.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    for name, times in figures.items():
        print(f"{name:<14} {times['elapsed_ms']:8.3f} ms elapsed {times['processor_ms']:8.3f} ms processor")


if __name__ == "__main__":
    main()
