"""Files by a path or a URI, as `s3://bucket/photos/a.jpg`: found below a folder or by a pattern, and read.

A URI goes through the file systems of pyarrow, which look for keys and region where the tools of each cloud keep them.
"""

from __future__ import annotations

import fnmatch
import glob
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

from ultra_face.detection.images import is_url


def read(name: str) -> bytes:
    """The content of a file.

    Raises:
        OSError: there is none, or it cannot be read.
        ValueError: a URI that pyarrow does not know, or one with a password.
    """
    if not is_url(name):
        return Path(name).read_bytes()
    root, key = _split(name)
    files, prefix = _file_system(root)
    with files.open_input_stream(prefix + key) as stream:
        return bytes(stream.read())


def find(name: str) -> list[str]:
    """The files that a name stands for, sorted: all below a folder, those of a pattern, or the file itself.

    Paths come out absolute, so that workers elsewhere know them. Names below a folder that start with a dot are left
    out. In the pattern of a URI, `*` spans folders too.

    Raises:
        OSError: a place that cannot be looked at.
        ValueError: as `read`.
    """
    return sorted(_of_uri(name) if is_url(name) else _of_path(Path(name).absolute()))


def _of_path(path: Path) -> Iterable[str]:
    inside: Iterable[Path] = [path]
    if path.is_dir():
        inside = (file for file in path.rglob("*") if _is_shown(file.relative_to(path).parts))
    elif not path.exists():
        inside = map(Path, glob.glob(str(path), recursive=True))  # noqa: PTH207
    return (str(file) for file in inside if file.is_file())


def _of_uri(uri: str) -> Iterable[str]:
    from pyarrow import fs

    root, key = _split(uri)
    files, prefix = _file_system(root)
    folder = prefix + (_folder_of(key) if glob.has_magic(key) else key).strip("/")
    (there,) = files.get_file_info([folder])
    if there.type != fs.FileType.Directory:
        return [uri] if there.type == fs.FileType.File else []
    below = (entry.path for entry in files.get_file_info(fs.FileSelector(folder, recursive=True)) if entry.is_file)
    if glob.has_magic(key):
        below = (file for file in below if fnmatch.fnmatchcase(file, prefix + key))
    return (root + file[len(prefix) :] for file in below if _is_shown(file[len(folder) :].split("/")))


def _folder_of(pattern: str) -> str:
    """The folder that all matches of a pattern lie below."""
    parts = pattern.split("/")
    return "/".join(parts[: next(number for number, part in enumerate(parts) if glob.has_magic(part))])


def _is_shown(parts: Iterable[str]) -> bool:
    return not any(part.startswith(".") for part in parts)


def _split(uri: str) -> tuple[str, str]:
    """`s3://bucket/a/b.jpg` -> `s3://bucket/`, `a/b.jpg`.

    Raises:
        ValueError: there is a password in it, which every row would show.
    """
    scheme, _, rest = uri.partition("://")
    authority, _, key = rest.partition("/")
    if "@" in authority:
        raise ValueError(
            f"{scheme}://...@{authority.rpartition('@')[2]}: expected a URI without user and password, got one with "
            "them, and every row would show them; put them where the tools of the cloud look for them"
        )
    return f"{scheme}://{authority}/", key


@lru_cache
def _file_system(root: str) -> tuple[Any, str]:
    """What reads the files of a bucket or server, and what stands before a key there.

    Only the root goes through pyarrow's reading of URIs, since the name of a photograph may have any sign in it.

    Raises:
        ValueError: pyarrow does not know it.
    """
    from pyarrow import fs

    try:
        files, base = fs.FileSystem.from_uri(root)
    except (ValueError, ImportError) as error:
        raise ValueError(
            f"{root}: expected a URI that pyarrow knows, such as s3://bucket/photos, got another ({error}); correct it"
        ) from error
    return files, f"{base.rstrip('/')}/"
