"""Files as people have them, and folders that may hold a half-written earlier run: read with care, written whole.

Text is UTF-8, with or without the byte-order mark that some editors put first. Nothing is written into a folder of
someone else.
"""

from __future__ import annotations

import errno
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

MARKER = ".ultra_face.json"
_PARTIAL = ".part"


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


class OutputError(OSError):
    """A file cannot be written; the text is a sentence for the user, `errno` is that of the cause."""

    def __str__(self) -> str:
        return str(self.strerror)


def claim_folder(folder: Path, origin: Mapping[str, object]) -> None:
    """Create `folder`, or take it up again where an earlier run with the same `origin` left it.

    `origin` says what the content is made from; it is kept in a marker file inside the folder.

    Raises:
        FileExistsError: The folder holds files but no marker, or the marker of another origin.
        OutputError: The folder cannot be written to, or the disk is full.
    """
    marker = folder / MARKER
    text = json.dumps(origin, indent=2, sort_keys=True) + "\n"
    if marker.exists():
        if marker.read_text(encoding="utf-8") != text:
            raise FileExistsError(
                f"{folder}: expected a folder made from {json.dumps(origin, sort_keys=True)}, got one whose "
                f"{MARKER} states otherwise; choose another output folder, or delete this one"
            )
        return
    if folder.exists() and any(not path.name.endswith(_PARTIAL) for path in folder.iterdir()):
        raise FileExistsError(
            f"{folder}: expected a new or empty folder, got one with files of another origin; "
            "choose another output folder"
        )
    write_file(marker, text.encode())


def staged(folder: Path) -> Path:
    """Where to write the files of `folder`: there if it exists, else beside it until `publish` moves them.

    Ultralytics takes a folder of images that exists for complete, so it must not appear before it is.
    """
    return folder if folder.is_dir() else folder.with_name(folder.name + _PARTIAL)


def publish(folder: Path) -> None:
    """Move the files written to `staged(folder)` into place."""
    stage = staged(folder)
    if stage != folder and stage.is_dir():
        stage.rename(folder)


def write_file(path: Path, content: bytes) -> bool:
    """Write atomically; returns False where `path` already is a regular file with that `content`.

    Raises:
        OutputError: The disk is full or the folder cannot be written to; what `path` held before is
            untouched.
    """
    if path.is_file() and not path.is_symlink() and path.read_bytes() == content:
        return False
    with replacing(path) as partial:
        partial.write_bytes(content)
    return True


def write_link(path: Path, target: Path) -> bool:
    """Make `path` a symbolic link to `target` atomically; returns False where it already is.

    Raises:
        OSError: As `write_file`; or the file system has no symbolic links.
    """
    if path.is_symlink() and path.readlink() == target:
        return False
    with replacing(path) as partial:
        partial.unlink(missing_ok=True)
        partial.symlink_to(target)
    return True


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a path beside `path` to write to, moved over it on success and removed on failure.

    Raises:
        OutputError: As `write_file`.
    """
    partial = path.with_name(path.name + _PARTIAL)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        partial.replace(path)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            message = f"the disk is full while writing {path}; free some and run again: finished files are kept"
        elif error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            message = f"{path.parent} is not writable; choose another folder, or grant write permission"
        else:
            raise
        raise OutputError(error.errno, message) from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


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
