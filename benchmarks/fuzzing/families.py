"""The families of input, and how many cases of each are tried."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from benchmarks.fuzzing.case import Family
from benchmarks.fuzzing.seeds import Seeds


@dataclass(frozen=True)
class Kind:
    """How a family is opened, in the process that tries it, and its number of cases."""

    open: Callable[[Seeds], Family]
    cases: int


def _images(seeds: Seeds) -> Family:
    from benchmarks.fuzzing.images import Images

    return Images(seeds.onnx, seeds.photographs)


def _labels(seeds: Seeds) -> Family:
    from benchmarks.fuzzing.labels import Labels

    return Labels()


def _checkpoints(seeds: Seeds) -> Family:
    from benchmarks.fuzzing.checkpoints import Checkpoints

    return Checkpoints(seeds)


def _yamls(seeds: Seeds) -> Family:
    from benchmarks.fuzzing.yamls import Yamls

    return Yamls(seeds)


def _results(seeds: Seeds) -> Family:
    from benchmarks.fuzzing.results import Results

    return Results()


FAMILIES: Mapping[str, Kind] = {
    "images": Kind(_images, 10_000),
    "labels": Kind(_labels, 10_000),
    "yamls": Kind(_yamls, 2000),
    "checkpoints": Kind(_checkpoints, 1000),
    "results": Kind(_results, 1000),
}
