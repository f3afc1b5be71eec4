"""Image files: how they are named, found and decoded, in folders or in archives, which are not unpacked for that."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from ultra_face.formats.archives import open_archive, read_member
from ultra_face.formats.files import read_text
from ultra_face.formats.image_headers import TooManyPixelsError, check_pixels, open_header

if TYPE_CHECKING:
    from PIL.Image import Image

IMAGE_SUFFIXES = (
    ".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".avif", ".heic", ".heif", ".jp2", ".mpo", ".dng",
)  # fmt: skip
"""Ultralytics' `IMG_FORMATS`, which cannot be imported without torch; the usual ones first."""

LETTERBOX_GREY = 114
"""With which Ultralytics fills what an image does not cover, in 0..255."""

Pixels = npt.NDArray[np.uint8]

_ISO_MEDIA, _ISO_MEDIA_AT = b"ftyp", slice(4, 8)
"""The container of AVIF and HEIC, and of many videos."""

_BRAND_AT = slice(8, 12)
_BRANDS_OF_IMAGES = (
    b"avif", b"avis", b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1",
)  # fmt: skip
_SIGNATURES = (
    b"\xff\xd8\xff",  # JPEG, MPO
    b"\x89PNG\r\n\x1a\n",
    b"BM",
    b"II*\0", b"MM\0*",  # TIFF, DNG
    b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51",  # JPEG 2000
)  # fmt: skip
"""How files begin that `IMAGE_SUFFIXES` name; WebP and the ISO media files have their marks further on."""


def is_image_name(name: str | PurePath) -> bool:
    """Whether a path ends as image files do, in small letters or capitals."""
    return str(name).lower().endswith(IMAGE_SUFFIXES)


def is_image_content(first: bytes) -> bool:
    """Whether the first 12 bytes of a file are those of an image of one of the known formats.

    Pillow is not asked, since Ultralytics makes it install a package where it does not know a file.
    """
    if first[_ISO_MEDIA_AT] == _ISO_MEDIA:
        return first[_BRAND_AT] in _BRANDS_OF_IMAGES
    return first.startswith(_SIGNATURES) or (first[:4] == b"RIFF" and first[_BRAND_AT] == b"WEBP")


def find_images(folder: Path) -> list[Path]:
    """All image files below a folder, sorted; none where there is no folder.

    As in training, links to folders are followed, and names that start with a dot are left out. A cycle of links is
    entered once.
    """
    return sorted(_images_below(folder, frozenset())) if folder.is_dir() else []


def _images_below(folder: Path, entered: frozenset[Path]) -> Iterator[Path]:
    entered |= {folder.resolve()}
    for path in folder.iterdir():
        if path.name.startswith("."):
            continue
        if not path.is_dir():
            if is_image_name(path):
                yield path
        elif path.resolve() not in entered:
            yield from _images_below(path, entered)


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
            return read_member(self._zip, self.prefix + name)
        except KeyError as error:
            raise FileNotFoundError(f"{self.prefix}{name} is not in {self.archive}") from error

    def file(self, name: str) -> Path | None:
        """As `ImageStore.file`: there is none."""
        return None


def image_size(content: bytes, where: object = "image") -> tuple[int, int] | None:
    """Width and height [px] as Ultralytics sees the image (EXIF applied); None if it does not decode.

    Raises:
        TooManyPixelsError: as `decode_image`.
    """
    pixels = decode_image(content, where)
    return None if pixels is None else (pixels.shape[1], pixels.shape[0])


def read_image(path: Path) -> Pixels | None:
    """Pixels (H, W, 3), BGR, of an image file; None if it is missing or does not decode, as Ultralytics has it.

    Raises:
        TooManyPixelsError: as `decode_image`.
    """
    try:
        return decode_image(path.read_bytes(), path)
    except OSError:
        return None


def decode_image(content: bytes, where: object = "image") -> Pixels | None:
    """Pixels (H, W, 3), BGR, upright as EXIF says, of an image in any format that Ultralytics trains on.

    `where` names the image in errors. OpenCV decodes all of them but AVIF and HEIC, which Pillow does, HEIC with a
    plug-in that Ultralytics installs.

    Raises:
        TooManyPixelsError: its header states more than `MAX_PIXELS`; nothing was decoded.
    """
    import cv2  # here: names of image files are known where OpenCV does not load, too

    if content[_ISO_MEDIA_AT] == _ISO_MEDIA:
        return _decode_iso_media(content, where)
    header = open_header(content)
    if header is None:
        return None
    check_pixels(header.size, where)
    try:
        pixels = cv2.imdecode(np.frombuffer(content, dtype=np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:  # most damaged files give None, some this
        return None
    return None if pixels is None else np.asarray(pixels, dtype=np.uint8)


def _decode_iso_media(content: bytes, where: object) -> Pixels | None:
    """As `decode_image`, for AVIF and HEIC."""
    import cv2
    from PIL import Image, ImageOps

    try:
        with Image.open(BytesIO(content)) as stored:
            check_pixels(stored.size, where)
            upright = ImageOps.exif_transpose(stored).convert("RGB")
            return np.asarray(cv2.cvtColor(np.asarray(upright), cv2.COLOR_RGB2BGR), dtype=np.uint8)
    except TooManyPixelsError:
        raise
    except Exception:  # a damaged file makes its plug-in raise anything
        return None


def open_image(content: bytes) -> Image | None:
    """An image that decodes, as Pillow has it, which decodes it when its pixels are asked for; None where it cannot."""
    if content[_ISO_MEDIA_AT] != _ISO_MEDIA:
        return open_header(content)
    from PIL import Image

    return Image.open(BytesIO(content))


def list_images(locations: Iterable[str | Path]) -> list[Path]:
    """All images below folders, and those that text files list one a line, as training finds them.

    A line that starts with `./` is relative to the text file, any other as it stands. Lines that do not end as image
    files do are left out.

    Raises:
        FileNotFoundError: A location does not exist, or there is no image in any of them.
        ValueError: A list is not in UTF-8.
    """
    images: list[Path] = []
    for location in map(Path, locations):
        if location.is_dir():
            images += find_images(location)
        elif location.is_file():
            images += _listed_images(location)
        else:
            raise FileNotFoundError(f"{location}: expected a folder of images or a list of images, got nothing there")
    if not images:
        raise FileNotFoundError(f"expected images in {', '.join(map(str, locations))}, got none")
    return images


def _listed_images(list_file: Path) -> list[Path]:
    lines = filter(is_image_name, read_text(list_file).strip().splitlines())
    return [list_file.parent / line if line.startswith("./") else Path(line) for line in lines]
