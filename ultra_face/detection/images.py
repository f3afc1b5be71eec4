"""One photograph from whatever people have: a path, bytes, an open file, a PIL image or an array."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ultra_face.formats.image_files import decode_image

Pixels = NDArray[np.uint8]
Color = Literal["bgr", "rgb"]

# Ultralytics' `VID_FORMATS`, which cannot be imported without torch.
VIDEO_SUFFIXES = (
    ".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".ts", ".wmv", ".asf", ".gif",
)  # fmt: skip

EXPECTED = "a path, bytes, an open file, a PIL image or an array (H, W), (H, W, C) of uint8"


@dataclass(frozen=True, eq=False)
class Photograph:
    """An image to look at.

    Attributes:
        pixels: (H, W, 3) BGR.
        source: path, URL or camera that it came from; None where nobody knows.
        frame: its number in a video, from 0; None for an image that is none.
        live: that the next one comes when it comes, so that this one must not wait for it.
    """

    pixels: Pixels
    source: str | None = None
    frame: int | None = None
    live: bool = False

    @property
    def hw(self) -> tuple[int, int]:
        """Height and width [px]."""
        height, width = self.pixels.shape[:2]
        return height, width


def read_photograph(image: Any, *, color: Color = "bgr") -> Photograph:
    """Read one image. Files, bytes and PIL images are turned upright as EXIF says, arrays are taken as they are.

    Args:
        image: path of an image file, its bytes, an open binary file, a PIL image, or an array: (H, W) grey, or
            (H, W, C) with C = 1 grey, 2 grey and alpha, 3 or 4 colour (and alpha), of uint8, or of uint16, whose high
            byte is taken; in any memory order.
        color: order of the channels of arrays.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: anything else that is no image; for what holds several, names `.stream`.
    """
    if isinstance(image, np.ndarray):
        return Photograph(_from_array(image, color))
    if isinstance(image, (str, os.PathLike)):
        return _from_file(os.fspath(image))
    if isinstance(image, (bytes, bytearray, memoryview)):
        return Photograph(_decoded(bytes(image), "bytes"))
    if hasattr(image, "read"):
        name = getattr(image, "name", None)
        content = image.read()
        if not isinstance(content, bytes):
            raise ValueError(f"{name or 'file'}: expected a file open in binary mode, got text; open it with 'rb'")
        return Photograph(_decoded(content, name or "file"), name if isinstance(name, str) else None)
    return _from_pil(image)


def is_url(source: str) -> bool:
    """Whether a source is a URL, as `rtsp://camera/1`."""
    return "://" in source


def is_video_name(name: str | Path) -> bool:
    """Whether a path ends as video files do, in small letters or capitals."""
    return str(name).lower().endswith(VIDEO_SUFFIXES)


def _from_file(source: str) -> Photograph:
    file = Path(source)
    if is_url(source):
        kind = "a URL"
    elif file.is_dir():
        kind = "a folder"
    elif is_video_name(file) and file.exists():
        kind = "a video"
    elif any(sign in source for sign in "*?[") and not file.exists():
        kind = "a pattern"
    else:
        return Photograph(_decoded(_content(file), source), source)
    raise ValueError(f"{source}: expected one image, got {kind}; call detector.stream({source!r})")


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{file}: expected an image file, got no file; check the path") from error


def _decoded(content: bytes, name: object) -> Pixels:
    pixels = decode_image(content, name)
    if pixels is None:
        raise ValueError(
            f"{name}: expected an image, got {len(content):,} bytes that do not decode as one; "
            "check the file, or call detector.stream for a video"
        )
    return pixels


def _from_pil(image: Any) -> Photograph:
    from PIL import Image, ImageOps

    if not isinstance(image, Image.Image):
        hint = "call detector.stream for a camera" if isinstance(image, int) else "convert it to one of these"
        raise ValueError(f"image: expected {EXPECTED}, got {type(image).__name__}; {hint}")
    if image.mode in {"I", "F"}:
        raise ValueError(
            f"PIL image: expected 8 or 16 bits a channel, got mode {image.mode!r}, whose range is not known; scale it "
            "to 0..255 and convert it to an array of uint8"
        )
    if 0 in image.size:
        raise ValueError(f"PIL image: expected 1 px or more, got {image.width} x {image.height} px")
    source = getattr(image, "filename", "") or None
    upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith("I;16"):
        return Photograph(_from_array(np.asarray(upright).astype(np.uint16), "rgb"), source)
    return Photograph(_from_array(np.asarray(upright.convert("RGB")), "rgb"), source)


def _from_array(image: NDArray[Any], color: Color) -> Pixels:
    if image.ndim not in (2, 3) or 0 in image.shape or image.shape[2:] > (4,):
        hint = "pass a list of images" if image.ndim > 3 else "pass one image, its 1 to 4 channels last"
        raise ValueError(f"array: expected the shape (H, W) or (H, W, C), got {image.shape}; {hint}")
    if image.dtype == np.uint16:
        image = (image >> 8).astype(np.uint8)
    if image.dtype != np.uint8:
        raise ValueError(
            f"array: expected uint8, got {image.dtype} in {image.min():g}..{image.max():g}; scale it to 0..255 and "
            "convert it with astype(numpy.uint8)"
        )
    channels = image.shape[2] if image.ndim == 3 else 1
    if channels < 3:
        grey = image if image.ndim == 2 else image[..., 0]
        return np.ascontiguousarray(np.broadcast_to(grey[..., None], (*grey.shape, 3)))
    return np.ascontiguousarray(image[..., :3] if color == "bgr" else image[..., 2::-1])
