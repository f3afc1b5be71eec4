"""Files as people have them, read with care, and folders that may hold a half-written earlier run.

Text is UTF-8, with or without the byte-order mark that some editors put first. Nothing is written into a folder of
someone else.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ultra_face.files.whole import PARTIAL, OutputError, held, write_file

MARKER = ".ultra_face.json"


def read_text(path: str | Path) -> str:
    """The text of a file, without a byte-order mark.

    Raises:
        OSError: The file cannot be read.
        ValueError: The file is not UTF-8; names it with the line.
    """
    return decode_text(Path(path).read_bytes(), str(path))


def decode_text(content: bytes, source: str) -> str:
    """The text of the bytes of a file, without a byte-order mark; `source` names the file in errors.

    Raises:
        ValueError: The bytes are not UTF-8, or hold a zero, which no text has and no path may. Names the source with
            the line.
    """
    try:
        text = content.decode("utf-8-sig")
        broken_at = content.find(0)
    except UnicodeDecodeError as error:
        text, broken_at = "", error.start
    if broken_at >= 0:
        line = content.count(b"\n", 0, broken_at) + 1
        raise ValueError(
            f"{source}:{line}: expected text in UTF-8, got the byte 0x{content[broken_at]:02x}; save the file as UTF-8"
        )
    return text


@dataclass(frozen=True)
class Claim:
    """A folder that this run alone writes to.

    Attributes:
        folder: the folder.
        seen: what the system said of it at first.
    """

    folder: Path
    seen: os.stat_result

    def check(self) -> None:
        """Check that the folder is still there.

        Raises:
            OutputError: it is not, or there is another one.
        """
        with suppress(OSError):
            if os.path.samestat(self.folder.stat(), self.seen):
                return
        message = f"{self.folder} was taken away during the work; delete what is left of it and run again"
        raise OutputError(errno.ENOENT, message)

    def publish(self, folder: Path) -> None:
        """Move the files written to `staged(folder)` into place.

        Raises:
            OutputError: as `check`.
        """
        self.check()
        stage = staged(folder)
        if stage != folder and stage.is_dir():
            stage.rename(folder)


@contextmanager
def claimed(folder: Path, origin: Mapping[str, object]) -> Iterator[Claim]:
    """Hold `folder` and write to it: a new one, or that which an earlier run with the same `origin` left.

    `origin` says what the content is made from; it is kept in a marker file inside the folder.

    Raises:
        FileExistsError: The folder holds files but no marker, or the marker of another origin.
        NotADirectoryError: It is a file.
        OutputError: Another program writes to it, it cannot be written to, it is taken away meanwhile, or the disk is
            full.
    """
    with held(folder):
        _mark(folder, json.dumps(origin, sort_keys=True), json.dumps(origin, indent=2, sort_keys=True) + "\n")
        claim = Claim(folder, folder.stat())
        yield claim
        claim.check()


def _mark(folder: Path, origin: str, text: str) -> None:
    marker = folder / MARKER
    if marker.exists():
        if marker.read_text(encoding="utf-8") != text:
            raise FileExistsError(
                f"{folder}: expected a folder made from {origin}, got one whose {MARKER} states otherwise; choose "
                "another output folder, or delete this one"
            )
        return
    if any(not path.name.endswith(PARTIAL) for path in folder.iterdir()):
        raise FileExistsError(
            f"{folder}: expected a new or empty folder, got one with files of another origin; "
            "choose another output folder"
        )
    write_file(marker, text.encode())


def staged(folder: Path) -> Path:
    """Where to write the files of `folder`: there if it exists, else beside it until `Claim.publish` moves them.

    Ultralytics takes a folder of images that exists for complete, so it must not appear before it is.
    """
    return folder if folder.is_dir() else folder.with_name(folder.name + PARTIAL)


@contextmanager
def named(file: str | Path, expected: str, remedy: str) -> Iterator[None]:
    """Turn whatever a library raises over a file into a ValueError that names the file, where it does not by itself.

    Args:
        file: what is opened.
        expected: what it should be.
        remedy: what to do about it.

    Raises:
        ValueError: instead of any exception but FileNotFoundError, and OSError and ValueError that name the file.
    """
    try:
        yield
    except FileNotFoundError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.filename is not None:
            raise
        if isinstance(error, (OSError, ValueError)) and Path(file).name in str(error):
            raise
        reason = ": ".join([type(error).__name__, *str(error).strip().splitlines()[:1]])  # hosts add advice below it
        raise ValueError(f"{file}: expected {expected}, got a file of another kind ({reason}); {remedy}") from error
