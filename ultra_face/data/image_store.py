"""Where a source keeps its images: a folder, or an archive that is read without unpacking it."""

from __future__ import annotations

import zipfile
import zlib
from io import BytesIO
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

Pixels = npt.NDArray[np.uint8]

_ISO_MEDIA, _ISO_MEDIA_AT = b"ftyp", slice(4, 8)
"""The container of AVIF and HEIC."""


class ImageStore(Protocol):
    """Images by their relative path with forward slashes."""

    def read(self, name: str) -> bytes:
        """Content of the image file; FileNotFoundError where the store has none of this name."""

    def file(self, name: str) -> Path | None:
        """The image as a file of its own, which a link can point to; None inside an archive."""


class ImageFolder:
    """Images below a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, name: str) -> bytes:
        """As `ImageStore.read`."""
        try:
            return (self.folder / name).read_bytes()
        except FileNotFoundError as error:
            raise FileNotFoundError(f"{name} is not in {self.folder}") from error

    def file(self, name: str) -> Path | None:
        """As `ImageStore.file`; relative links would depend on where they are, so the path is absolute."""
        return (self.folder / name).resolve()


class ImageArchive:
    """Images below a folder inside a zip archive.

    Raises:
        ValueError: The file is not a complete zip archive.
    """

    def __init__(self, archive: Path, prefix: str) -> None:
        self.archive, self.prefix = archive, prefix
        self._zip = open_archive(archive)

    def read(self, name: str) -> bytes:
        """As `ImageStore.read`; ValueError where the archive is damaged at this image."""
        try:
            return self._zip.read(self.prefix + name)
        except KeyError as error:
            raise FileNotFoundError(f"{self.prefix}{name} is not in {self.archive}") from error
        except (zipfile.BadZipFile, zlib.error) as error:
            raise ValueError(
                f"{self.archive}: {self.prefix}{name} is damaged ({error}); fetch the archive again"
            ) from error

    def file(self, name: str) -> Path | None:
        """As `ImageStore.file`: there is none."""
        return None


def open_archive(archive: Path) -> zipfile.ZipFile:
    """Open a zip archive for reading.

    Raises:
        ValueError: The file is not a complete zip archive.
    """
    try:
        return zipfile.ZipFile(archive)
    except zipfile.BadZipFile as error:
        raise ValueError(f"{archive}: expected a complete zip archive, got a damaged one; fetch it again") from error


def image_size(content: bytes) -> tuple[int, int] | None:
    """Width and height [px] as Ultralytics sees the image (EXIF applied); None if it does not decode."""
    pixels = decode_image(content)
    return None if pixels is None else (pixels.shape[1], pixels.shape[0])


def read_image(path: Path) -> Pixels | None:
    """Pixels (H, W, 3), BGR, of an image file; None if it is missing or does not decode, as Ultralytics has it."""
    try:
        return decode_image(path.read_bytes())
    except OSError:
        return None


def decode_image(content: bytes) -> Pixels | None:
    """Pixels (H, W, 3), BGR, upright as EXIF says, of an image in any format that Ultralytics reads.

    OpenCV decodes all of them but AVIF and HEIC, which Pillow does, HEIC with a plug-in that Ultralytics installs.
    """
    if content[_ISO_MEDIA_AT] == _ISO_MEDIA:
        try:
            with ImageOps.exif_transpose(Image.open(BytesIO(content))) as image:
                return np.asarray(cv2.cvtColor(np.asarray(image.convert("RGB")), cv2.COLOR_RGB2BGR), dtype=np.uint8)
        except (ImportError, OSError, SyntaxError, ValueError):
            return None
    pixels = cv2.imdecode(np.frombuffer(content, dtype=np.uint8), cv2.IMREAD_COLOR) if content else None
    return None if pixels is None else np.asarray(pixels, dtype=np.uint8)
