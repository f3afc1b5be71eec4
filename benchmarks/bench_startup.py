"""What the plugin costs every Python start and every `import ultralytics`.

The kinds of start take turns, so that a busy moment of the machine hits all alike: in a virtual environment without
the plugin, and in one with it, on and (for `python -c pass`) switched off. Both environments borrow what this one has
installed. The cost is the median over the rounds of the difference to the start without the plugin, in elapsed time
and in processor time. One round goes before and does not count, since it writes compiled modules.

python benchmarks/bench_startup.py --rounds 300 --imports 30
"""

from __future__ import annotations

import argparse
import json
import os
import py_compile
import shutil
import statistics
import sys
import sysconfig
import tempfile
import time
import venv
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from benchmarks.provenance import REPOSITORY, provenance

START_MODULE = "_ultra_face_autoload.py"
START_FILES = (START_MODULE, "ultra_face.pth", "ultra_face.start")
NOTHING, IMPORT = "pass", "import ultralytics"
RESULT = REPOSITORY / "results" / "startup.json"


class Cost(NamedTuple):
    """Times of one start, or their difference [ms]."""

    elapsed_ms: float
    processor_ms: float


def measure(num_starts: int, num_imports: int) -> dict[str, dict[str, list[Cost]]]:
    """Times of each start, by what is started and by kind."""
    with tempfile.TemporaryDirectory() as folder:
        without = environment(Path(folder, "without"))
        equipped = environment(Path(folder, "with"))
        install_plugin(equipped)
        kinds = {"without": (without, "1"), "on": (equipped, "1"), "off": (equipped, "0")}
        return {
            "start": take_turns(kinds, NOTHING, num_starts),
            "import": take_turns({kind: kinds[kind] for kind in ("without", "on")}, IMPORT, num_imports),
        }


def take_turns(kinds: Mapping[str, tuple[Path, str]], code: str, num_rounds: int) -> dict[str, list[Cost]]:
    """Times of each kind over the rounds, without the first."""
    rounds = [{kind: start(*how, code) for kind, how in kinds.items()} for _ in range(num_rounds + 1)]
    return {kind: [costs[kind] for costs in rounds[1:]] for kind in kinds}


def environment(folder: Path) -> Path:
    """Make a virtual environment that borrows what this one has installed, but runs no start-up file of it."""
    venv.create(folder, with_pip=False)
    borrowed = {entry for entry in sys.path if Path(entry).name == "site-packages"}
    (site_packages(folder) / "borrowed.pth").write_text("\n".join(sorted(borrowed)) + "\n")
    return folder


def install_plugin(folder: Path) -> None:
    """Put the start-up files into a virtual environment as pip does, and the package on its path."""
    for name in START_FILES:
        shutil.copy(REPOSITORY / "activation" / name, site_packages(folder))
    py_compile.compile(str(site_packages(folder) / START_MODULE), doraise=True)
    (site_packages(folder) / "repository.pth").write_text(f"{REPOSITORY}\n")


def site_packages(folder: Path) -> Path:
    """Where a virtual environment keeps its packages."""
    return Path(sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)}))


def start(folder: Path, autoload: str, code: str) -> Cost:
    """Start the interpreter of a virtual environment and wait for its end."""
    python = str(folder / "bin" / "python")
    begin = time.perf_counter()
    process = os.posix_spawn(python, [python, "-c", code], {**os.environ, "ULTRA_FACE_AUTOLOAD": autoload})
    _, status, usage = os.wait4(process, 0)
    elapsed = time.perf_counter() - begin
    if status != 0:
        raise RuntimeError(f"{python} -c {code!r}: expected status 0, got {status}")
    return Cost(1e3 * elapsed, 1e3 * (usage.ru_utime + usage.ru_stime))


def medians(costs: list[Cost]) -> dict[str, float]:
    """Median of each time [ms]."""
    return {name: statistics.median(times) for name, times in zip(Cost._fields, zip(*costs, strict=True), strict=True)}


def main() -> None:
    """Measure, print and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=300, help="starts of each kind")
    parser.add_argument("--imports", type=int, default=30, help="imports of Ultralytics of each kind")
    options = parser.parse_args()
    figures = {}
    for what, costs in measure(options.rounds, options.imports).items():
        figures |= {f"{what} {kind}": medians(times) for kind, times in costs.items()}
        for kind in costs.keys() - {"without"}:
            pairs = zip(costs[kind], costs["without"], strict=True)
            figures[f"{what} cost {kind}"] = medians([Cost(a[0] - b[0], a[1] - b[1]) for a, b in pairs])
    record = {"provenance": provenance(vars(options), "none", None), "median": figures}
    RESULT.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    for name, times in figures.items():
        print(f"{name:<20} {times['elapsed_ms']:8.3f} ms elapsed {times['processor_ms']:8.3f} ms processor")


if __name__ == "__main__":
    main()
