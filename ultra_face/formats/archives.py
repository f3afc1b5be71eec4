"""Zip archives of others, read without being unpacked, so that no name in them leads anywhere.

A member may claim anything: another size than it has, a password, a method that this Python does not know. Each ends
in a sentence.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

MAX_BYTES = 2**29
"""Of one member: half a gigabyte. A few kilobytes may unpack to any size."""

_REMEDY = "fetch the archive again"


def open_archive(archive: Path) -> zipfile.ZipFile:
    """Open a zip archive for reading.

    Raises:
        OSError: The file cannot be read.
        ValueError: The file is not a complete zip archive.
    """
    try:
        return zipfile.ZipFile(archive)
    except OSError as error:
        if error.filename is not None:
            raise
        raise _damaged(archive) from error
    except Exception as error:  # a damaged directory makes zipfile raise anything
        raise _damaged(archive) from error


def read_member(opened: zipfile.ZipFile, name: str) -> bytes:
    """The content of a member.

    Raises:
        KeyError: The archive has no such member.
        ValueError: It is damaged, locked, packed by an unknown method, or larger than `MAX_BYTES`; names the archive.
    """
    info = opened.getinfo(name)
    where = f"{opened.filename}: {name}"
    try:
        with opened.open(info) as member:
            content = member.read(MAX_BYTES + 1)
    except Exception as error:  # a damaged member makes zipfile and the unpacking libraries raise anything
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(f"{where} is damaged, or locked ({reason}); {_REMEDY}") from error
    if len(content) > MAX_BYTES:
        raise ValueError(f"{where}: expected a file of at most {MAX_BYTES:,} bytes, got more; {_REMEDY}")
    return content


def _damaged(archive: Path) -> ValueError:
    return ValueError(f"{archive}: expected a complete zip archive, got a damaged one; fetch it again")
