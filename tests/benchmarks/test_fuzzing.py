"""The command that tries broken files sees everything that must not happen, each where somebody does it on purpose."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest

from benchmarks.fuzzing import case as cases
from benchmarks.fuzzing.case import OUTCOMES, Case, Outcome
from benchmarks.fuzzing.sandbox import Sandbox
from benchmarks.fuzzing.workers import Keeper

Deed = Callable[[Sandbox], Any]


def fails(error: BaseException) -> Deed:
    def run(sandbox: Sandbox) -> None:
        raise error

    return run


def works_for_ever(sandbox: Sandbox) -> None:
    while True:
        pass


DEEDS: Mapping[str, Deed] = {
    "accepted": lambda sandbox: (sandbox.output / "a.txt").write_text("in its place"),
    "refused": fails(ValueError("a.txt: expected numbers")),
    "refused without the file's name": fails(ValueError("expected numbers")),
    "traceback": fails(KeyError("a.txt")),
    "crash": lambda sandbox: os._exit(3),
    "hang": works_for_ever,
    "memory": fails(MemoryError("a.txt")),
    "file outside": lambda sandbox: (sandbox.output / ".." / "outside" / "a.txt").write_text("beside its place"),
    "ran code": lambda sandbox: os.system("true"),
}


class OnPurpose:
    def case(self, number: int, rng: Random, sandbox: Sandbox) -> Case:
        cases.SECONDS = 0.5  # in this process of the keeper's alone
        name, deed = list(DEEDS.items())[number]
        return Case(name, lambda: deed(sandbox), ("a.txt",))


@pytest.fixture(scope="module")
def keeper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keeper]:
    keeper = Keeper(OnPurpose, Path(tmp_path_factory.mktemp("fuzzing"), "sandbox"), seed=0, name="on purpose")
    yield keeper
    keeper.stop()


def test_there_is_a_deed_for_every_outcome() -> None:
    assert tuple(DEEDS) == OUTCOMES


@pytest.mark.parametrize("number", range(len(DEEDS)), ids=list(DEEDS))
def test_what_is_done_is_seen(keeper: Keeper, number: int) -> None:
    outcome: Outcome = keeper.tried(number)
    assert outcome.kind == outcome.mutation == list(DEEDS)[number], outcome.why
