"""Files and folders that appear under their name when they are whole, and leave what was there until then.

A file is written to a neighbour whose name ends in `.part`, and moved when it is complete. A process that is killed
leaves at most that neighbour, which the next one that writes the file replaces.
"""

from __future__ import annotations

import errno
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

if sys.platform != "win32":
    import fcntl

PARTIAL = ".part"
"""What the names of files and folders end in while they are written."""

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What the system says, by number, where it takes no more bytes."""

_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)
_PROBE = bytes(1 << 16)


class OutputError(OSError):
    """A file cannot be written; the text is a sentence for the user, `errno` is that of the cause."""

    def __str__(self) -> str:
        return str(self.strerror)


def write_file(path: Path, content: bytes) -> bool:
    """Write atomically; returns False where `path` already is a regular file with that `content`.

    Raises:
        OutputError: As `replacing`.
    """
    if path.is_file() and not path.is_symlink() and path.read_bytes() == content:
        return False
    with replacing(path, flush=False) as partial:
        partial.write_bytes(content)
    return True


def write_link(path: Path, target: Path) -> bool:
    """Make `path` a symbolic link to `target` atomically; returns False where it already is.

    Raises:
        OSError: As `replacing`; or the file system has no symbolic links.
    """
    if path.is_symlink() and path.readlink() == target:
        return False
    partial = path.with_name(path.name + PARTIAL)
    with _explaining(path, partial):
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.unlink(missing_ok=True)
        partial.symlink_to(target)
        partial.replace(path)
    return True


@contextmanager
def replacing(path: Path, *, flush: bool = True) -> Iterator[Path]:
    """Give a path beside `path` to write to, moved over it on success and removed on failure.

    Args:
        path: the file.
        flush: have the system put it on the disk before it gets its name, so that it is whole after a loss of power
            too. That takes milliseconds; a run that compares all its files when it is repeated does without.

    Raises:
        IsADirectoryError: There is a folder of this name.
        OutputError: The disk is full, the folder cannot be written to or is taken away, or another program writes the
            file; what `path` held before is untouched.
    """
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    partial = path.with_name(path.name + PARTIAL)
    with _explaining(path, partial):
        path.parent.mkdir(parents=True, exist_ok=True)
        with _alone(partial, path):
            try:
                with _explaining(path, partial, asking=True):  # while what fills the disk is there
                    yield partial
                    if flush:
                        _flush(partial)
                    partial.replace(path)
            except BaseException:
                with suppress(OSError):
                    partial.unlink(missing_ok=True)
                raise


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """Give a folder beside `folder` to fill, which gets its name on success and is removed on failure.

    Raises:
        OSError: `folder` has files.
        OutputError: As `replacing`.
    """
    with _explaining(folder, folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as scratch:
            (made := Path(scratch, folder.name)).mkdir()
            with _explaining(folder, made / PARTIAL, asking=True):
                yield made
                if folder.is_dir():
                    folder.rmdir()  # empty, and Windows moves nothing onto it
                made.rename(folder)


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Make a folder where there is none, and hold it, so that no other program that asks for it gets it meanwhile.

    Raises:
        NotADirectoryError: there is a file.
        OutputError: another program holds it, or it cannot be made.
    """
    with _explaining(folder / PARTIAL, folder):
        if not folder.exists():
            folder.mkdir(parents=True, exist_ok=True)
    if sys.platform == "win32":
        yield
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _lock(handle, folder)
        yield
    finally:
        os.close(handle)


def _lock(handle: int, path: Path) -> None:
    """Keep other programs from what a file descriptor opens, until it is closed or the process ends.

    Some network file systems have no such locks; nothing is kept away there, as on Windows.
    """
    if sys.platform == "win32":
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        message = f"{path}: expected to write it alone, got another program that does; wait for its end and run again"
        raise OutputError(error.errno, message) from error
    except OSError:
        return


@contextmanager
def _alone(partial: Path, path: Path) -> Iterator[None]:
    """Hold the neighbour of a file, so that no other program writes to it."""
    if sys.platform == "win32":  # which moves no file that is open
        yield
        return
    while True:
        if partial.is_symlink():  # of a run that made links and was killed
            partial.unlink()
        handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o666)
        try:
            _lock(handle, path)
            if _is_open_at(handle, partial):
                yield
                return
        finally:
            os.close(handle)


def _is_open_at(handle: int, path: Path) -> bool:
    """Whether a file still has its name: another program may have moved it between opening and locking."""
    try:
        return os.path.samestat(os.fstat(handle), path.lstat())
    except FileNotFoundError:
        return False


def _flush(file: Path) -> None:
    with file.open("r+b") as stream:
        os.fsync(stream.fileno())


@contextmanager
def _explaining(path: Path, partial: Path, *, asking: bool = False) -> Iterator[None]:
    """Turn what the system says into a sentence.

    Args:
        path: what is written.
        partial: where.
        asking: whether to ask the system again where a library failed with words of its own, by adding to `partial`.
    """
    try:
        yield
    except OutputError:
        raise
    except Exception as error:
        cause = error if isinstance(error, OSError) else _refusal(partial) if asking else None
        message = None if cause is None else _sentence(cause, path, partial)
        if cause is None or message is None:
            raise
        raise OutputError(cause.errno, message) from error


def _refusal(partial: Path) -> OSError | None:
    """Why the system does not take more bytes, None where it does."""
    try:
        with partial.open("ab", buffering=0) as stream:
            stream.write(_PROBE)
    except OSError as error:
        return error
    return None


def _sentence(error: OSError, path: Path, partial: Path) -> str | None:
    """What to tell of an error of the system; None where it is about another file, or says enough."""
    if error.errno == errno.EFBIG:
        return f"{path} is larger than the system takes; choose another disk, or raise the limit of `ulimit -f`"
    if error.errno in NO_ROOM:
        return f"the disk is full while writing {path}; free some and run again: finished files are kept"
    place = None if error.filename is None else Path(str(error.filename))
    beside = place is None or path.parent in (place, place.parent) or place in path.parents
    if error.errno in _FORBIDDEN and beside:
        return f"{path.absolute().parent} is not writable; choose another folder, or grant write permission"
    if error.errno == errno.ENOENT and place == partial:
        return f"{path.absolute().parent} was taken away while {path.name} was written; run again"
    return None
