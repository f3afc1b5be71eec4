"""An hour of video, thousands of images of many sizes and many users at once: what grows, and what stays as it is.

The film is a minute of real photographs over which the camera pans and draws near, repeated to an hour of 1 frame a
second, which is 3,600 frames. Each arm goes through it in a process of its own and with one thread, as fast as it can,
and is sampled every 2 seconds. The first five minutes of the film, a twelfth of the frames, are the warm-up and do not
count; of the 10,000 images of many sizes the first 1,000 do not.

python benchmarks/endurance.py --data PHOTOGRAPHS --data-name "..."
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.long_runs.arms import ARMS, CONFIDENCE, IMAGE_HW, SIZES_INPUT, images_of_sizes, in_many_sizes
from benchmarks.long_runs.film import HEIGHT, RATE, SHOTS, WIDTH, write_film
from benchmarks.long_runs.samples import Sample, steadiness
from benchmarks.long_runs.together import in_processes, in_threads
from benchmarks.provenance import REPOSITORY, provenance
from ultra_face.cli.command import command
from ultra_face.formats.image_files import find_images

RESULT = REPOSITORY / "results" / "endurance.json"
CHECKPOINT = REPOSITORY / "weights" / "yolov5n-aesvc-face.pt"
GENERATOR = REPOSITORY / "benchmarks" / "weights" / "generator-x2-light.pt"
SECOND_LOOK = {"windows": 2, "window": 32}
WARM_UP, WARM_UP_OF_SIZES = 1 / 12, 1 / 10


def make_models(folder: Path) -> None:
    """The shipped weights and their refined form as PyTorch and ONNX files."""
    from ultralytics import YOLO  # here: `--help` needs none

    plain, refined = Path(shutil.copy(CHECKPOINT, folder / "plain.pt")), folder / "refined.pt"
    changes = [f"{key}={value}" for key, value in SECOND_LOOK.items()]
    refine = [sys.executable, "-m", "ultra_face", "refine", plain, refined, "--generator", GENERATOR, "--set", *changes]
    subprocess.run([*map(str, refine)], check=True)
    Path(YOLO(plain).export(format="onnx", dynamic=True, device="cpu")).rename(folder / "any-size.onnx")
    for checkpoint in (plain, refined):
        YOLO(checkpoint).export(format="onnx", imgsz=list(IMAGE_HW), device="cpu")


def run_arm(name: str, film: Path, models: Path, seconds: float) -> dict[str, Any]:
    """Samples of an arm, in a process of its own, and what they say."""
    output = models / "samples.json"
    given: list[Any] = ["--film", film, "--models", models, "--seconds", seconds, "--output", output]
    start = [sys.executable, "-m", "benchmarks.long_runs.arms", name, *map(str, given)]
    variables = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(REPOSITORY)}
    subprocess.run(start, check=True, cwd=models, env=variables)
    samples = json.loads(output.read_text(encoding="utf-8"))
    warm_up = WARM_UP_OF_SIZES if ARMS[name].faces is in_many_sizes else WARM_UP
    judged = steadiness([Sample(**sample) for sample in samples], warm_up=warm_up)
    return {"warm-up": warm_up, **judged._asdict(), "samples": samples}


def main() -> None:
    """Measure, print and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("arms", nargs="*", metavar="ARM", help=f"all, or of these: {'; '.join(ARMS)}")
    parser.add_argument("--data", type=Path, required=True, help="folder of photographs")
    parser.add_argument("--data-name", required=True, help="what they are, in words")
    parser.add_argument("--minutes", type=int, default=60, help="length of the film")
    parser.add_argument("--seconds", type=float, default=2, help="time from sample to sample")
    parser.add_argument("--threads", type=int, default=50, help="that share a detector")
    parser.add_argument("--processes", type=int, default=8, help="that each open a detector")
    parser.add_argument("--output", type=Path, default=RESULT)
    options = parser.parse_args()
    if unknown := set(options.arms) - ARMS.keys():
        raise ValueError(f"expected of {'; '.join(ARMS)}, got {'; '.join(sorted(unknown))}")
    found = find_images(options.data)
    photographs = [found[index] for index in np.linspace(0, len(found) - 1, SHOTS).astype(int)]
    config = {
        "minutes": options.minutes,
        "frames a second": RATE,
        "film": [WIDTH, HEIGHT],
        "input": IMAGE_HW,
        "input of many sizes": SIZES_INPUT,
        "confidence": CONFIDENCE,
        "second look": SECOND_LOOK,
        "seconds": options.seconds,
    }
    record: dict[str, Any] = {"provenance": provenance(config, options.data_name, 0), "together": {}, "arms": {}}
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        make_models(work)
        film = work / "film.mp4"
        record["frames"] = write_film(film, photographs, minutes=options.minutes)
        images = list(images_of_sizes(film, num_images=16, num_sizes=8))
        model = work / "any-size.onnx"
        record["together"]["threads"] = in_threads(model, images, threads=options.threads, rounds=8)
        record["together"]["processes"] = in_processes(model, images, processes=options.processes)
        print(json.dumps(record["together"], indent=2), flush=True)
        for name in options.arms or ARMS:
            record["arms"][name] = arm = run_arm(name, film, work, options.seconds)
            print(name, json.dumps({key: value for key, value in arm.items() if key != "samples"}), flush=True)
            # Each time, so that what was measured outlives an interruption.
            options.output.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    with command("endurance"):
        main()
