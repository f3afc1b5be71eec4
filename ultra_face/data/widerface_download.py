"""Fetch the official WIDER FACE archives where the network allows, then prepare the data set from them."""

from __future__ import annotations

import hashlib
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any

from ultra_face.data.prepare import PrepareReport, prepare_dataset
from ultra_face.files.whole import replacing

HOST = "https://huggingface.co/datasets/CUHK-CSE/wider_face/resolve/main/data"
"""Copy of the authors' group, which the page of the data set links to."""
HOME_PAGE = "http://shuoyang1213.me/WIDERFACE"
_CHUNK = 2**22
_TIMEOUT = 60.0

Progress = Callable[[Sequence[Any]], Iterable[Any]]


@dataclass(frozen=True)
class Archive:
    """An official archive: name, size in bytes and checksum, and the folder that it unpacks to."""

    name: str
    size: int
    sha256: str

    @property
    def unpacked(self) -> str:
        """Name of the folder inside the archive."""
        return self.name.removesuffix(".zip")


ARCHIVES = (
    Archive("WIDER_train.zip", 1465602149, "e23b76129c825cafae8be944f65310b2e1ba1c76885afe732f179c41e5ed6d59"),
    Archive("WIDER_val.zip", 362752168, "f9efbd09f28c5d2d884be8c0eaef3967158c866a593fc36ab0413e4b2a58a17a"),
    Archive("wider_face_split.zip", 3591642, "c7561e4f5e7a118c249e0a5c5c902b0de90bbf120d7da9fa28d99041f68a8a5c"),
)


def download_widerface(output: Path, *, progress: Progress = iter) -> PrepareReport:
    """Prepare WIDER FACE in `output` from the folder `<output>-archives` beside it; fetch what misses there.

    The official release has no landmarks. The training faces get those of RetinaFace's annotations if their
    folder `retinaface_gt_v1.1` lies among the archives.

    Args:
        output: Folder of the data set to write.
        progress: Wraps lists of chunks and of images, to show how far the work is.

    Raises:
        FileNotFoundError: An archive is missing and cannot be fetched; says which to put where.
        OutputError: The disk is full or a folder is not writable.
        ValueError: An archive is damaged.
    """
    folder = output.with_name(f"{output.name}-archives")
    for archive in missing_archives(folder):
        _fetch(archive, folder, progress)
    return prepare_dataset([folder], output, progress=progress)


def missing_archives(folder: Path) -> list[Archive]:
    """The archives that `folder` holds neither packed nor unpacked."""
    return [
        archive
        for archive in ARCHIVES
        if not (folder / archive.name).is_file() and not (folder / archive.unpacked).is_dir()
    ]


def _fetch(archive: Archive, folder: Path, progress: Progress) -> None:
    digest = hashlib.sha256()
    with replacing(folder / archive.name) as partial:
        with partial.open("wb") as file:
            for chunk in _receive(archive, folder, progress):
                digest.update(chunk)
                file.write(chunk)
        if digest.hexdigest() != archive.sha256:
            raise FileNotFoundError(_ask_for_archives(folder, f"{archive.name} came incomplete or altered"))


def _receive(archive: Archive, folder: Path, progress: Progress) -> Iterator[bytes]:
    url = f"{HOST}/{archive.name}"
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT) as response:
            for _ in progress(range(0, archive.size, _CHUNK)):
                yield response.read(_CHUNK)
    except (OSError, HTTPException) as error:
        raise FileNotFoundError(_ask_for_archives(folder, f"{url}: {error}")) from error


def _ask_for_archives(folder: Path, reason: str) -> str:
    names = ", ".join(archive.name for archive in missing_archives(folder))
    return (
        f"WIDER FACE cannot be fetched ({reason}); get {names} from {HOME_PAGE}, put them into {folder}, and run again"
    )
