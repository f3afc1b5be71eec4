"""A process that tries one case after another, and its keeper, who ends it where it hangs or grows.

Memory is what is resident, as the kernel counts it: its peak is set back before each case. A limit on addresses would
not do, since torch reserves far more of them than it ever uses. The keeper looks twenty times a second.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random

from benchmarks.fuzzing.case import (
    ACCEPTED,
    CRASH,
    HANG,
    MEMORY,
    OUT_OF_MEMORY,
    REFUSED,
    SECONDS,
    Family,
    Outcome,
    outcome_of,
)
from benchmarks.fuzzing.sandbox import Sandbox

WAIT = 60
"""Seconds, on whatever clock, after which a process that does not answer is ended."""
PATIENCE = 300
"""Seconds in which a process has to start, or to make an input."""
LOOK = 0.05
_HARD = 3 * MEMORY
"""Bytes of private memory beyond the limit that the kernel refuses, lest the machine suffers."""


class Keeper:
    """Keeps one process at work.

    Args:
        open_family: makes the family, in the process.
        sandbox: folder for its inputs.
        seed: of all mutations.
        name: of the family, part of the seed.
    """

    def __init__(self, open_family: Callable[[], Family], sandbox: Path, seed: int, name: str) -> None:
        self._arguments = (open_family, sandbox, seed, name)
        self._process: multiprocessing.process.BaseProcess | None = None

    def tried(self, number: int) -> Outcome:
        """The outcome of a case."""
        if self._process is None:
            self._start()
        self._pipe.send(number)
        mutation, waited = "", 0.0
        while waited < (WAIT if mutation else PATIENCE):  # the input is made first
            try:
                if self._pipe.poll(LOOK):
                    told = self._pipe.recv()
                    if isinstance(told, RuntimeError):
                        raise told
                    if isinstance(told, Outcome):
                        return told
                    mutation, waited = told, 0.0
                    continue
            except EOFError:
                return self._ended(Outcome(mutation, CRASH, f"the process ended by itself, case {number}"))
            waited += LOOK
            if self._resident() > self._base + 1.5 * MEMORY:
                return self._ended(Outcome(mutation, OUT_OF_MEMORY, f"grew too large, case {number}"))
        return self._ended(Outcome(mutation, HANG, f"had to be ended, case {number}"))

    def stop(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process = None

    def _ended(self, outcome: Outcome) -> Outcome:
        process = self._process
        if process is not None and outcome.kind == CRASH:
            process.join(SECONDS)
        self.stop()
        status = None if process is None else process.exitcode
        return Outcome(outcome.mutation, outcome.kind, f"{outcome.why}, status {status}")

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, other = context.Pipe()
        self._process = context.Process(target=_work, args=(other, *self._arguments), daemon=True)
        self._process.start()
        other.close()
        if not self._pipe.poll(PATIENCE):
            raise RuntimeError("expected a process that starts, got none")
        self._base: int = self._pipe.recv()

    def _resident(self) -> int:
        pid = None if self._process is None else self._process.pid
        return _status(f"/proc/{pid}/status", "VmRSS")


def _work(pipe: Connection, open_family: Callable[[], Family], folder: Path, seed: int, name: str) -> None:
    sandbox = Sandbox(folder)
    silence = os.open(os.devnull, os.O_WRONLY)  # libraries in C complain of each input
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    os.environ["TMPDIR"] = str(sandbox.scratch)
    for name in ("MPLCONFIGDIR", "TORCHINDUCTOR_CACHE_DIR", "XDG_CACHE_HOME"):  # what libraries keep for themselves
        os.environ[name] = str(sandbox.caches)
    family = open_family()
    base = _status("/proc/self/status", "VmRSS")
    used = _status("/proc/self/status", "VmData")
    resource.setrlimit(resource.RLIMIT_DATA, (used + _HARD, used + _HARD))
    pipe.send(base)
    while True:
        number = pipe.recv()
        sandbox.clear()
        try:
            case = family.case(number, Random(f"{seed} {name} {number}"), sandbox)
        except Exception:
            pipe.send(RuntimeError(f"{name}, case {number}: cannot be made: {traceback.format_exc()}"))
            return
        pipe.send(case.mutation)
        before = _status("/proc/self/status", "VmRSS")
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak starts anew
        outcome = outcome_of(case, sandbox)
        grown = _status("/proc/self/status", "VmHWM") - before
        if grown > MEMORY and outcome.kind in (ACCEPTED, REFUSED):
            outcome = Outcome(outcome.mutation, OUT_OF_MEMORY, f"{grown / 2**30:.1f} GiB")
        pipe.send(outcome)


def _status(file: str, field: str) -> int:
    """Bytes that the kernel tells of a process; 0 where it has gone."""
    try:
        lines = Path(file).read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{field}:")), 0)
