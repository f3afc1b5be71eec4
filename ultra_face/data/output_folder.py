"""Writing into a folder that may hold a half-written earlier run, and never into that of someone else."""

from __future__ import annotations

import errno
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

MARKER = ".ultra_face.json"
_PARTIAL = ".part"


def claim_folder(folder: Path, origin: Mapping[str, object]) -> None:
    """Create `folder`, or take it up again where an earlier run with the same `origin` left it.

    `origin` says what the content is made from; it is kept in a marker file inside the folder.

    Raises:
        FileExistsError: The folder holds files but no marker, or the marker of another origin.
        OSError: The folder cannot be written to, or the disk is full.
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


def write_file(path: Path, content: bytes) -> bool:
    """Write atomically; returns False where `path` already is a regular file with that `content`.

    Raises:
        OSError: The disk is full or the folder cannot be written to; what `path` held before is untouched.
    """
    if path.is_file() and not path.is_symlink() and path.read_bytes() == content:
        return False
    with _replacing(path) as partial:
        partial.write_bytes(content)
    return True


def write_link(path: Path, target: Path) -> bool:
    """Make `path` a symbolic link to `target` atomically; returns False where it already is.

    Raises:
        OSError: As `write_file`, or the file system has no symbolic links.
    """
    if path.is_symlink() and path.readlink() == target:
        return False
    with _replacing(path) as partial:
        partial.unlink(missing_ok=True)
        partial.symlink_to(target)
    return True


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to, moved over it on success and removed on failure."""
    partial = path.with_name(path.name + _PARTIAL)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        partial.replace(path)
    except OSError as error:
        raise OSError(error.errno, _explain(error, path)) from error
    finally:
        if partial.is_symlink() or partial.exists():
            partial.unlink()


def _explain(error: OSError, path: Path) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return (
            f"the disk is full while writing {path}; free some space and run again: finished files are kept"
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{path.parent} is not writable; choose another output folder, or grant write permission"
    return f"{path} cannot be written: {error.strerror}"
