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


def check_stored(file: Path) -> None:
    """Check that an archive that a library reads holds its members as they are, so that none unpacks to more.

    `torch.save` writes them so. What is no archive passes, for the library to judge.

    Raises:
        ValueError: A member is packed.
    """
    if not zipfile.is_zipfile(file):
        return
    with open_archive(file) as opened:
        packed = next((info for info in opened.infolist() if info.compress_type != zipfile.ZIP_STORED), None)
    if packed is not None:
        raise ValueError(
            f"{file}: expected a checkpoint whose parts are not packed, as torch.save writes them, got "
            f"{packed.filename!r}, which is; save it anew"
        )


def _damaged(archive: Path) -> ValueError:
    return ValueError(f"{archive}: expected a complete zip archive, got a damaged one; fetch it again")
