"""A folder in which one input is tried, and an eye on what the process writes and starts elsewhere.

Python tells of every file that it opens to write and of every program that it starts (PEP 578). Libraries in C do not,
so the folder is compared with what it was, too.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CANARY = "a file of the user"
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CHANGING = {
    "os.mkdir": (0,), "os.rename": (0, 1), "os.link": (1,), "os.symlink": (1,), "os.remove": (0,), "os.rmdir": (0,),
    "os.truncate": (0,), "os.chmod": (0,),
}  # fmt: skip
"""Events that change a folder, and which of their arguments are the places."""
_STARTING = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "socket.connect")


@dataclass
class Trespasses:
    """What was written or removed beside the folders that may change, and what was started."""

    files: list[str] = field(default_factory=list)
    programs: list[str] = field(default_factory=list)


class Sandbox:
    """Folders `input`, `output`, `scratch` for temporary files, `home` to work in, and `outside`, which must stay."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.input, self.output, self.scratch = root / "input", root / "output", root / "scratch"
        self.home, self.outside = root / "home", root / "outside"
        self.caches = root.with_name("caches")
        self.caches.mkdir(exist_ok=True)
        self._trespasses: Trespasses | None = None
        sys.addaudithook(self._see)  # for ever: Python takes none away
        self.clear()

    def clear(self) -> None:
        """Make all folders new that are not."""
        for folder, count in ((self.input, 0), (self.output, 0), (self.scratch, 0), (self.home, 0), (self.outside, 1)):
            if not folder.is_dir() or len(list(folder.iterdir())) != count:
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir(parents=True)
        if not (canary := self.outside / "canary.txt").exists():
            canary.write_text(CANARY, encoding="utf-8")

    @contextmanager
    def watched(self) -> Iterator[Trespasses]:
        """Work in `home`, and note what is written elsewhere than in `output` and `scratch`."""
        before = Path.cwd()
        os.chdir(self.home)
        self._found = self._listing()
        self._trespasses = trespasses = Trespasses()
        try:
            yield trespasses
        finally:
            self._trespasses = None
            os.chdir(before)

    def changes(self) -> list[str]:
        """Files outside `output` and `scratch` that have come, gone or changed since the case began."""
        now = self._listing()
        return sorted(path for path in now.keys() | self._found.keys() if now.get(path) != self._found.get(path))

    def _listing(self) -> dict[str, tuple[int, int]]:
        listing = {}
        for top in (self.root, self.input, self.home, self.outside):
            for path in top.iterdir() if top == self.root else top.rglob("*"):
                status = path.lstat()
                listing[str(path.relative_to(self.root))] = (
                    (0, 0) if path.is_dir() else (status.st_mtime_ns, status.st_size)
                )
        return listing

    def _see(self, event: str, arguments: tuple[Any, ...]) -> None:
        trespasses = self._trespasses
        if trespasses is None:
            return
        if event.startswith(_STARTING):
            trespasses.programs.append(f"{event} {arguments[:2]!r}")
        elif event == "open":
            path, mode, flags = arguments
            writes = any(sign in mode for sign in "wax+") if isinstance(mode, str) else bool(flags & _WRITING)
            if writes:
                self._note(path, trespasses)
        elif event in _CHANGING:
            for place in _CHANGING[event]:
                self._note(arguments[place], trespasses)

    def _note(self, path: Any, trespasses: Trespasses) -> None:
        if not isinstance(path, (str, bytes, os.PathLike)):  # an open file, which was noted when it was opened
            return
        place = os.path.realpath(os.fsdecode(path))  # noqa: PTH  (resolve would raise events of its own)
        allowed = (str(self.output), str(self.scratch), str(self.caches), "/dev/", "/proc/self/")
        if not place.startswith(allowed) and not place.endswith(".pyc") and "__pycache__" not in place:
            trespasses.files.append(place)
