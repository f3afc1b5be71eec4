"""Memory, open files, threads and time of the process that runs, and whether they stay."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple


class Sample(NamedTuple):
    """A process at one moment; times since the sample before."""

    images: int
    """Images done so far."""
    faces: int
    """Faces found in the images since the sample before."""
    uss_mb: float
    """Memory that only this process has [MB], which is what it would give back at its end."""
    rss_mb: float
    """Resident memory, shared libraries included [MB]."""
    handles: int
    """Open files, sockets and pipes."""
    threads: int
    processor_ms: float
    """Processor time of all threads an image [ms]."""
    elapsed_ms: float
    """Elapsed time an image [ms]."""


def watch(faces_of_images: Iterable[int], *, seconds: float) -> list[Sample]:
    """Run through the counts of faces that come image by image, and take a sample every so many seconds.

    None is taken at the end, where the film is closed. Linux alone has what is read here.
    """
    samples: list[Sample] = []
    images = since = faces = 0
    elapsed, processor = time.perf_counter(), time.process_time()
    for found in faces_of_images:
        images, faces = images + 1, faces + found
        if time.perf_counter() - elapsed >= seconds:
            samples.append(_sample(images, faces, images - since, elapsed, processor))
            since, faces = images, 0
            elapsed, processor = time.perf_counter(), time.process_time()
    return samples


def _sample(images: int, faces: int, new: int, elapsed: float, processor: float) -> Sample:
    processor_ms = 1e3 * (time.process_time() - processor) / new
    elapsed_ms = 1e3 * (time.perf_counter() - elapsed) / new
    uss, rss = memory_mb()
    return Sample(images, faces, uss, rss, open_handles(), num_threads(), processor_ms, elapsed_ms)


def memory_mb() -> tuple[float, float]:
    """Memory of this process: its own, and all that is resident [MB]."""
    sizes: dict[str, int] = {}
    for line in Path("/proc/self/smaps_rollup").read_text(encoding="utf-8").splitlines()[1:]:
        name, size = line.split()[:2]
        sizes[name] = int(size)
    own = sizes["Private_Clean:"] + sizes["Private_Dirty:"]
    return own * 1024 / 1e6, sizes["Rss:"] * 1024 / 1e6


def open_handles() -> int:
    """Open files, sockets and pipes of this process, without the one that lists them."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir()) - 1


def num_threads() -> int:
    """Threads of this process, those of libraries included."""
    return sum(1 for _ in Path("/proc/self/task").iterdir())


class Steadiness(NamedTuple):
    """What changed between the first and the last quarter of the samples after the warm-up."""

    memory_mb: float
    """Median of the process's own memory in the first quarter [MB]."""
    memory_drift: float
    """Change of that median up to the last quarter, as a share."""
    peak_mb: float
    """Largest memory of all samples after the warm-up [MB]."""
    handles: tuple[int, int]
    """Fewest and most after the warm-up."""
    threads: tuple[int, int]
    """Fewest and most after the warm-up."""
    processor_ms: float
    """Median of the processor time an image in the first quarter [ms]."""
    processor_drift: float
    """Change of that median up to the last quarter, as a share."""


def steadiness(samples: Sequence[Sample], *, warm_up: float) -> Steadiness:
    """Judge a run by its samples.

    Args:
        samples: in order; at least four after the warm-up.
        warm_up: share of the images that do not count.

    Raises:
        ValueError: too few samples.
    """
    counted = [sample for sample in samples if sample.images > warm_up * samples[-1].images]
    quarter = len(counted) // 4
    if quarter < 1:
        raise ValueError(f"expected 4 samples or more after the warm-up, got {len(counted)}; sample more often")
    first, last = counted[:quarter], counted[-quarter:]

    def medians(name: str) -> tuple[float, float]:
        before, after = (statistics.median(getattr(sample, name) for sample in part) for part in (first, last))
        return before, after / before - 1

    def span(name: str) -> tuple[int, int]:
        values = [getattr(sample, name) for sample in counted]
        return min(values), max(values)

    memory, memory_drift = medians("uss_mb")
    processor, processor_drift = medians("processor_ms")
    peak = max(sample.uss_mb for sample in counted)
    return Steadiness(memory, memory_drift, peak, span("handles"), span("threads"), processor, processor_drift)
