"""What the shipped weights are in every format: size, time of the run time alone, faces beside those of PyTorch.

Each run time is measured in processes of its own, in the environment that `tools/check_formats --environments DIR` has
made for it where the present one lacks it. There its file and the ONNX file in ONNX Runtime take turns, so that the
ratio of both means something on a busy machine, too. What could not run stands in the record with its reason.

tools/check_formats --environments DIR --install-only
python benchmarks/bench_formats.py --environments DIR --data PHOTOGRAPHS --data-name "..."
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.formats.run_times import NOT_TRIED, RUN_TIMES, SIZE
from benchmarks.provenance import REPOSITORY, provenance
from ultra_face.cli.command import command
from ultra_face.formats.image_files import find_images

RESULT = REPOSITORY / "results" / "formats.json"
CHECKPOINT = REPOSITORY / "weights" / "yolov5n-aesvc-face.pt"
THREADS = (1, 2)


def interpreter(name: str, environments: Path | None) -> tuple[Path, str]:
    """The Python that has a run time, and what was installed for that.

    Raises:
        FileNotFoundError: there is no environment for it.
    """
    run_time = RUN_TIMES[name]
    if run_time.environment is None:
        return Path(sys.executable), run_time.extra
    folder = (environments or Path()) / run_time.environment
    if environments is None or not (folder / "made-of").is_file():
        raise FileNotFoundError(f"no environment; run tools/check_formats --environments DIR {run_time.environment}")
    return folder.absolute() / "bin" / "python", (folder / "made-of").read_text(encoding="utf-8").splitlines()[1]


def run(name: str, python: Path, folder: Path, *arguments: object) -> dict[str, Any]:
    """Start `benchmarks/formats/measure.py`, and read what it has found.

    Raises:
        ValueError: it failed.
    """
    output = folder / "found.json"
    output.unlink(missing_ok=True)
    parts = [python, "-m", "benchmarks.formats.measure", name, *arguments, "--output", output]
    variables = {
        "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}",  # some converters are programs
        "PYTHONPATH": str(REPOSITORY),  # the code of this checkout
        "OMP_WAIT_POLICY": "PASSIVE",  # what waits for its turn must not keep the processor busy
    }
    done = subprocess.run(
        [*map(str, parts)], cwd=folder, capture_output=True, text=True, env={**os.environ, **variables}
    )
    if done.returncode or not output.is_file():
        lines = [line for line in done.stderr.splitlines() if line.strip()] or ["it said nothing"]
        raise ValueError(f"failed with status {done.returncode}: {lines[-1].strip()}")
    found: dict[str, Any] = json.loads(output.read_text(encoding="utf-8"))
    return found


def measure(name: str, python: Path, work: Path, photographs: Sequence[Path], rounds: int) -> dict[str, Any]:
    """All figures of a run time, in a folder for all of its environment."""
    run_time, yardstick = RUN_TIMES[name], work / "yardstick" / "best.onnx"
    folder = work / (run_time.environment or "here")
    folder.mkdir(exist_ok=True)
    shutil.copy(CHECKPOINT, folder / "best.pt")
    found: dict[str, Any] = {
        "arguments": run_time.arguments,
        "prediction": run_time.prediction,
        "ms": {},
        "onnx_ms": {},
    }
    for count in THREADS:
        given = ["--yardstick", yardstick, "--photographs", *photographs, "--threads", count, "--rounds", rounds]
        new = run(name, python, folder, *given)
        for key in ("ms", "onnx_ms"):
            found[key][str(count)] = new.pop(key)
        found |= new
    return found


def export_yardstick(work: Path) -> None:
    """The ONNX file beside which all others run."""
    from ultralytics import YOLO  # here: `--help` needs none

    (work / "yardstick").mkdir()
    checkpoint = shutil.copy(CHECKPOINT, work / "yardstick" / "best.pt")
    YOLO(checkpoint).export(format="onnx", imgsz=SIZE, device="cpu")


def main() -> int:
    """Measure, print and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run_times", nargs="*", metavar="RUN_TIME", help=f"all, or of these: {'; '.join(RUN_TIMES)}")
    parser.add_argument("--environments", type=Path, help="folder that tools/check_formats has filled")
    parser.add_argument("--data", type=Path, required=True, help="folder of photographs")
    parser.add_argument("--data-name", required=True, help="what they are, in words")
    parser.add_argument("--photographs", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=20, help="passes of each number of threads")
    parser.add_argument("--output", type=Path, default=RESULT)
    options = parser.parse_args()
    unknown = set(options.run_times) - RUN_TIMES.keys()
    if unknown:
        raise ValueError(f"expected of {', '.join(RUN_TIMES)}, got {', '.join(sorted(unknown))}")
    images = find_images(options.data)
    photographs = [
        images[index].absolute() for index in np.linspace(0, len(images) - 1, options.photographs).astype(int)
    ]
    config = {"size": SIZE, "photographs": len(photographs), "rounds": options.rounds, "threads": THREADS}
    rows: dict[str, Any] = {}
    failed: dict[str, str] = {}
    record = {"provenance": provenance(config, options.data_name, None), "rows": rows}
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        export_yardstick(work)
        for name in options.run_times or RUN_TIMES:
            try:
                python, packages = interpreter(name, options.environments)
                rows[name] = measure(name, python, work, photographs, options.rounds) | {"install": packages}
                print(f"{name:<28} {describe(rows[name])}", flush=True)
            except (FileNotFoundError, ValueError) as error:
                failed[name] = str(error)
                print(f"{name:<28} {error}", flush=True)
            # Each time, so that what was measured outlives an interruption.
            record["not run"] = failed | NOT_TRIED
            options.output.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return 1 if failed else 0


def describe(row: dict[str, Any]) -> str:
    """What was found, on a line."""
    each = [f"{row['ms'][count]:.0f} ms ({row['ms'][count] / row['onnx_ms'][count]:.2f})" for count in row["ms"]]
    faces = row["faces"]
    return (
        f"{row['megabytes']:5.1f} MB, {', '.join(each)}, {faces['both']} of {faces['pytorch']} faces, "
        f"{row['largest_px']:.4f} px"
    )


if __name__ == "__main__":
    with command("bench_formats"):
        sys.exit(main())
