"""What an image is here: an array of uint8, grey or in colour, with or without an alpha channel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Size = int | tuple[int, int]


def check_image(image: object, where: str, *, size: tuple[int, int] | None = None) -> None:
    """Refuse what is no image, or another one than that which the faces were found in.

    Args:
        image: what was passed for an image.
        where: the method that speaks in the error.
        size: width and height that it must have [px], where they are known.

    Raises:
        ValueError: no array (H, W) or (H, W, C) of uint8 with 1 to 4 channels, or one of another size.
    """
    expected = f"{where}: expected an array (H, W) or (H, W, C) of uint8"
    if not isinstance(image, np.ndarray):
        raise ValueError(
            f"{expected}, got {type(image).__name__}; pass result.orig_img, or numpy.asarray(image) of a PIL image"
        )
    if image.dtype != np.uint8:
        raise ValueError(f"{expected}, got {image.dtype}; scale it to 0..255 and convert it with astype(numpy.uint8)")
    if image.ndim not in (2, 3) or 0 in image.shape or image.shape[2:] > (4,):
        raise ValueError(f"{expected}, got shape {image.shape}; pass one image, its 1 to 4 channels last")
    height, width = image.shape[:2]
    if size is not None and size != (width, height):
        raise ValueError(
            f"{where}: expected the image of {size[0]} x {size[1]} px that the faces were found in, got one of "
            f"{width} x {height} px; pass that image, or detect again in this one"
        )


def width_and_height(size: Size, where: str) -> tuple[int, int]:
    """A side, or width and height, as width and height.

    Raises:
        ValueError: a side below 1 px.
    """
    width, height = (size, size) if isinstance(size, int) else size
    if min(width, height) < 1:
        raise ValueError(f"{where}: expected a size of 1 px or more, got {size}")
    return width, height


def num_colours(image: Pixels) -> int:
    """Channels that show something: 1 or 3, an alpha channel left out."""
    return 3 if image.shape[2:] in ((3,), (4,)) else 1


def has_alpha(image: Pixels) -> bool:
    """Whether the last of 2 or 4 channels tells how opaque a pixel is."""
    return image.shape[2:] in ((2,), (4,))
