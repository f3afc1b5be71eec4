"""What an image file says of itself before any pixel is decoded: its size, so that none fills the memory.

A file of a few kilobytes may hold a picture of gigabytes. Its header is read by Pillow's own classes, one for each
format: `Image.open` would warn of large photographs, and Ultralytics makes it install a package where it does not know
a file.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_PIXELS = 200_000_000
"""As the cameras of telephones have at most. Three copies, as turning and writing an image need, take 1.8 GB."""

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "JPEG2000", "PPM")
"""Pillow's names of the formats that are decoded, but for AVIF and HEIC."""

_FIRST = 16  # bytes by which Pillow knows a format


class TooManyPixelsError(ValueError):
    """An image is larger than `MAX_PIXELS`."""


def open_header(content: bytes) -> Image | None:
    """The image as Pillow has it before it decodes; None where the header is not that of one of `FORMATS`."""
    from PIL import Image

    Image.init()  # its formats, once
    for name in FORMATS:
        read, is_of_format = Image.OPEN[name]
        if is_of_format is not None and is_of_format(content[:_FIRST]):
            try:
                return read(BytesIO(content), "")
            except Exception:  # a damaged header makes these classes raise anything
                return None
    return None


def check_pixels(size: tuple[int, int], where: object) -> None:
    """Check the width and height [px] of an image before it is decoded; `where` names it in errors.

    Raises:
        TooManyPixelsError: they make more than `MAX_PIXELS`.
    """
    width, height = size
    if width * height > MAX_PIXELS:
        raise TooManyPixelsError(
            f"{where}: expected an image of at most {MAX_PIXELS / 1e6:.0f} million pixels, got {width} x {height}; "
            "make it smaller"
        )
