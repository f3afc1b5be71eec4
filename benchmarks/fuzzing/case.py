"""One broken input and what came of it: accepted, refused in one sentence, or what must not happen."""

from __future__ import annotations

import signal
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import FrameType
from typing import Any, Protocol

from benchmarks.fuzzing.sandbox import Sandbox
from ultra_face.cli.command import MENDABLE, sentence

SECONDS = 10
"""Of processor time that one input may take: other programs on the machine do not count."""
MEMORY = 2 * 2**30
"""Bytes of resident memory that one input may add to those of the process before it."""

ACCEPTED, REFUSED = "accepted", "refused"
NAMELESS, TRACEBACK, CRASH = "refused without the file's name", "traceback", "crash"
HANG, OUT_OF_MEMORY, OUTSIDE, RAN_CODE = "hang", "memory", "file outside", "ran code"
OUTCOMES = (ACCEPTED, REFUSED, NAMELESS, TRACEBACK, CRASH, HANG, OUT_OF_MEMORY, OUTSIDE, RAN_CODE)
MUST_NOT_HAPPEN = OUTCOMES[2:]


@dataclass(frozen=True)
class Case:
    """An input that is written already, and what a user does with it.

    Attributes:
        mutation: what is wrong with it, in words.
        run: gives the input to the package as a command would; an exception that a command turns into a sentence is a
            refusal.
        names: of which a refusal must name one.
    """

    mutation: str
    run: Callable[[], Any]
    names: tuple[str, ...]


class Family(Protocol):
    """Inputs of one kind."""

    def case(self, number: int, rng: Random, sandbox: Sandbox) -> Case:
        """Write the input of a number into the sandbox."""


@dataclass(frozen=True)
class Outcome:
    """What came of one case, and why."""

    mutation: str
    kind: str
    why: str = ""


class OverTimeError(BaseException):
    """An input takes longer than it may; no `except Exception` holds it up."""


def outcome_of(case: Case, sandbox: Sandbox) -> Outcome:
    """Run a case and look at what it left."""
    with sandbox.watched() as trespasses:
        kind, why = _run(case)
    if trespasses.programs:
        return Outcome(case.mutation, RAN_CODE, "; ".join(trespasses.programs[:3]))
    if outside := [*trespasses.files, *sandbox.changes()]:
        return Outcome(case.mutation, OUTSIDE, "; ".join(outside[:3]))
    return Outcome(case.mutation, kind, why)


def _run(case: Case) -> tuple[str, str]:
    try:
        with _alarm():
            case.run()
    except OverTimeError:
        return HANG, "".join(traceback.format_exc(limit=-4))
    except MemoryError:
        return OUT_OF_MEMORY, traceback.format_exc(limit=-4)
    except MENDABLE as error:
        told = sentence(error)
        if not any(name in told for name in case.names):
            return NAMELESS, traceback.format_exc(limit=-5)
        return REFUSED, f"{type(error).__name__}: {told}"
    except BaseException:  # whatever else comes through is what is looked for
        return TRACEBACK, traceback.format_exc(limit=-6)
    return ACCEPTED, ""


@contextmanager
def _alarm() -> Iterator[None]:
    def ring(number: int, frame: FrameType | None) -> None:
        raise OverTimeError

    before = signal.signal(signal.SIGPROF, ring)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def written(file: Path, content: bytes | str) -> Path:
    """Write an input, with the folders above it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogateescape"))
    return file
