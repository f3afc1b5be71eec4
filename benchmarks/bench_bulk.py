"""What `ultra_face.bulk.detect` costs and brings beside a plain loop over the same photographs.

The speed: photographs a second of a `FaceDetector` in a loop, with one thread and with all that ONNX Runtime takes by
itself, and of one and two actors between their first and their last file. The start is the whole time of a job of one
photograph. The memory is the most that an actor's process held. The growth: whole seconds of jobs of more and more
photographs with two actors, on inputs of a small size, since it is the cost of Ray that is looked for.

python benchmarks/bench_bulk.py --photographs photos
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from pyarrow import parquet
from tqdm import tqdm

from benchmarks.provenance import REPOSITORY, provenance
from ultra_face import FaceDetector
from ultra_face.bulk import detect
from ultra_face.deploy.exports import export
from ultra_face.formats.image_files import find_images

WEIGHTS = REPOSITORY / "weights" / "yolov5n-aesvc-face.pt"
RESULT = REPOSITORY / "results" / "bulk.json"
SIZE, SMALL = 640, 64
ACTOR = "ray::MapWorker"
INTERVAL = 0.2
"""Seconds between two looks at the memory."""


def repeated(photographs: list[Path], number: int, folder: Path) -> Path:
    """A folder of so many photographs: links to those that there are, again and again."""
    folder.mkdir()
    for index in range(number):
        photograph = photographs[index % len(photographs)]
        (folder / f"{index:06d}{photograph.suffix}").symlink_to(photograph.resolve())
    return folder


@contextmanager
def watched() -> Iterator[list[int]]:
    """Bytes that the largest actor holds at each look meanwhile."""
    seen: list[int] = []
    stop = threading.Event()

    def look() -> None:
        while not stop.wait(INTERVAL):
            held = [0]
            for process in psutil.Process().children(recursive=True):
                try:
                    if process.name().startswith(ACTOR[:15]) or process.cmdline()[:1][0].startswith(ACTOR):
                        held.append(process.memory_info().rss)
                except (psutil.Error, IndexError):
                    continue
            seen.append(max(held))

    looker = threading.Thread(target=look)
    looker.start()
    try:
        yield seen
    finally:
        stop.set()
        looker.join()


def job(source: Path, model: Path, actors: int, output: Path, rows_per_file: int = 8) -> dict[str, float | None]:
    """Seconds of a whole job, with Ray started and ended, and photographs a second once its first file is there."""
    begin = time.perf_counter()
    rows = detect(source, output=output, model=model, concurrency=actors, rows_per_file=rows_per_file).rows
    seconds = time.perf_counter() - begin
    first, *others = sorted(output.glob("*.parquet"))
    if not others:
        return {"seconds": seconds, "per_second": None}
    meanwhile = others[-1].stat().st_mtime - first.stat().st_mtime
    return {"seconds": seconds, "per_second": (rows - parquet.read_metadata(first).num_rows) / meanwhile}


def loop(source: Path, model: Path, threads: int | None) -> float:
    """Seconds of a loop over the photographs, without loading."""
    detector = FaceDetector(model, device="cpu", threads=threads)
    files = find_images(source)
    begin = time.perf_counter()
    for file in files:
        detector(file)
    return time.perf_counter() - begin


def measure(photographs: list[Path], number: int, growth: list[int], starts: int) -> dict[str, Any]:
    """All figures; numbers of photographs, of the speed and of the growth, and how often Ray starts for nothing."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        outputs = (folder / f"faces-{index}" for index in range(1000))
        model = export(WEIGHTS, folder / "model", SIZE)
        many, one = repeated(photographs, number, folder / "many"), repeated(photographs, 1, folder / "one")
        figures: dict[str, Any] = {"loop": {}, "actors": {}, "growth": []}
        for threads in (1, None):
            figures["loop"]["all" if threads is None else str(threads)] = number / loop(many, model, threads)
        figures["start_s"] = statistics.median(job(one, model, 1, next(outputs))["seconds"] for _ in range(starts))
        for actors in (1, 2):
            output = next(outputs)
            with watched() as held:
                figures["actors"][str(actors)] = job(many, model, actors, output)
            figures["actors"][str(actors)]["resident_bytes"] = max(held)
        figures["bytes_per_row"] = sum(file.stat().st_size for file in output.glob("*.parquet")) / number
        small = export(WEIGHTS, folder / "small", SMALL)
        for count in tqdm(growth, desc="growth"):
            source = repeated(photographs, count, folder / str(count))
            done = job(source, small, 2, next(outputs), max(8, count // 50))
            figures["growth"].append({"photographs": count, **done})
    return figures


def main() -> None:
    """Measure, print and write the record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photographs", type=Path, required=True, help="folder of photographs")
    parser.add_argument("--number", type=int, default=300, help="of photographs whose speed is measured")
    parser.add_argument("--growth", type=int, nargs="+", default=[100, 1000, 10_000], help="numbers of photographs")
    parser.add_argument("--starts", type=int, default=3, help="jobs of one photograph")
    parser.add_argument("--output", type=Path, default=RESULT, help="the record")
    options = parser.parse_args()
    photographs = find_images(options.photographs)
    if not photographs:
        sys.exit(f"{options.photographs}: expected photographs, got none; give their folder")
    config = {"number": options.number, "imgsz": SIZE, "growth_imgsz": SMALL, "starts": options.starts}
    figures = measure(photographs, options.number, options.growth, options.starts)
    data = f"{len(photographs)} photographs, repeated where more are needed"
    record = {"provenance": provenance(config, data, None), **figures}
    options.output.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
