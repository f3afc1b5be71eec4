"""Commands in processes of their own, each with those that it starts: run to their end, killed, or interrupted."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

LONGEST = 300.0  # seconds
_PROGRAMS = {
    "ultra-face": ("-m", "ultra_face"),
    "yolo": ("-c", "from ultralytics.cfg import entrypoint; entrypoint()"),
    "python": (),
}


@dataclass(frozen=True)
class End:
    """How a process ended: its status, the seconds it took, and what it said on standard error.

    A status below 0 is the number of the signal that ended it.
    """

    status: int
    seconds: float
    said: str

    @property
    def shell_status(self) -> int:
        """The status that a shell gives it: above 128, the number of the signal."""
        return self.status if self.status >= 0 else 128 - self.status


def run(
    words: Sequence[str],
    folder: Path,
    *,
    after: float | None = None,
    number: int = signal.SIGKILL,
    largest_file: int | None = None,
) -> End:
    """Run a command in a folder, and send its process group a signal where a moment is given.

    Args:
        words: of the command, the first of which is `ultra-face` or `yolo`.
        folder: where it works.
        after: seconds after its start at which the signal comes; none comes if it has ended by then.
        number: of the signal.
        largest_file: how many bytes a file may have; the system refuses more.
    """
    said = folder.with_name(f"{folder.name}.stderr")
    begin = time.perf_counter()
    with said.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, *_PROGRAMS[words[0]], *words[1:]],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stream,
            start_new_session=True,
            preexec_fn=None if largest_file is None else partial(_limit, largest_file),
        )
        try:
            status = process.wait(LONGEST if after is None else after)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, number)
            status = process.wait(LONGEST)
    return End(status, time.perf_counter() - begin, said.read_text(encoding="utf-8", errors="replace"))


def _limit(size: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
