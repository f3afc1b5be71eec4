"""Copies of image files with other pixels, and nothing of what the file says or shows beside them.

Cameras put previews, place, date and serial numbers into a photograph, and short films behind it. A copy is encoded
from its pixels, so none of that passes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ultra_face.files.whole import write_file
from ultra_face.formats.image_files import Pixels, decode_image, open_image

if TYPE_CHECKING:
    from PIL.Image import Exif, Image

FORMATS = {
    ".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".webp": "WEBP", ".bmp": "BMP", ".tif": "TIFF", ".tiff": "TIFF",
    ".avif": "AVIF",
}  # fmt: skip
"""Formats of copies by the suffix of their name."""

QUALITY: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 95, "subsampling": "4:4:4"},
    "WEBP": {"quality": 95},
    "AVIF": {"quality": 95, "subsampling": "4:4:4"},
}
"""Pillow's options of the formats that lose something."""

_WITHOUT_ALPHA = ("JPEG", "BMP")
# Tags of EXIF: of the first directory description, make, model, software, date, artist, computer, copyright.
_KEPT_TAGS = (0x010E, 0x010F, 0x0110, 0x0131, 0x0132, 0x013B, 0x013C, 0x8298)
_ORIENTATION, _UPRIGHT, _CAMERA, _PLACE, _MAKERS_NOTE, _INTEROP = 0x0112, 1, 0x8769, 0x8825, 0x927C, 0xA005
_COLOURS_AT = slice(16, 20)  # in a colour profile, of what it is one


def rewrite_image(source: Path, target: Path, edit: Callable[[Pixels], Pixels], *, keep_metadata: bool = False) -> None:
    """Write a copy of an image with other pixels, upright. Transparency and the colour profile stay.

    Args:
        source: image file.
        target: file to write; its suffix tells the format. Without one it has that of the source.
        edit: takes the pixels (H, W, 3), BGR, upright, and gives the new ones.
        keep_metadata: keep what EXIF says of date, place and camera; never previews and makers' own notes.

    Raises:
        FileNotFoundError: there is no source.
        OutputError: the disk is full, or the folder cannot be written to.
        ValueError: the source does not decode, or is a sequence of pictures; or the target has another suffix.
    """
    from PIL import Image

    content = source.read_bytes()
    pixels = decode_image(content, source)
    if pixels is None:
        raise ValueError(f"{source}: expected an image that decodes, got none; check the file")
    with _named(source):
        original = open_image(content)
        num_pictures = getattr(original, "n_frames", 1)
    if (
        original is not None and original.format != "MPO" and num_pictures > 1
    ):  # the others of an MPO are views of the same
        raise ValueError(f"{source}: expected one picture, got a file with {num_pictures}; save them one by one")
    format_name = _format(target, original)
    options = dict(QUALITY.get(format_name, {}))
    copy = Image.fromarray(np.ascontiguousarray(edit(pixels)[..., ::-1]))
    encoded = BytesIO()
    with _named(source):
        if original is not None:
            profile = original.info.get("icc_profile") or b""
            if profile[_COLOURS_AT] == b"RGB ":
                options["icc_profile"] = profile
            if format_name not in _WITHOUT_ALPHA and (alpha := _alpha(original)) is not None:
                copy.putalpha(alpha)
            if keep_metadata:
                options["exif"] = _exif(original)
        copy.save(encoded, format_name, **options)
    write_file(target, encoded.getvalue())


@contextmanager
def _named(source: Path) -> Iterator[None]:
    """Turn what Pillow raises over what surrounds the pixels into a sentence.

    Raises:
        ValueError: instead of any exception.
    """
    try:
        yield
    except Exception as error:  # a damaged file makes Pillow raise anything
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(
            f"{source}: expected an image whose transparency and notes can be copied, got others ({reason}); save it "
            "anew"
        ) from error


def _format(target: Path, original: Image | None) -> str:
    """Pillow's name of the format of a copy.

    Raises:
        ValueError: the name of the copy ends otherwise.
    """
    if not target.suffix:
        own = None if original is None else original.format
        return own if own in FORMATS.values() and own is not None else "JPEG"
    try:
        return FORMATS[target.suffix.lower()]
    except KeyError:
        raise ValueError(
            f"{target}: expected a name that ends in {', '.join(FORMATS)}, got {target.suffix}; choose another name"
        ) from None


def _alpha(original: Image) -> Image | None:
    """How opaque each pixel is, upright; None where all are."""
    from PIL import ImageOps

    if "A" not in original.getbands() and "transparency" not in original.info:
        return None
    return ImageOps.exif_transpose(original).convert("RGBA").getchannel("A")


def _exif(original: Image) -> Exif:
    """What a file says of date, place and camera, without what may hold a picture: thumbnail and makers' notes."""
    from PIL.Image import Exif

    said, kept = original.getexif(), Exif()
    kept.update({tag: said[tag] for tag in _KEPT_TAGS if tag in said})
    kept[_ORIENTATION] = _UPRIGHT
    for part in (_CAMERA, _PLACE):
        values = {tag: value for tag, value in said.get_ifd(part).items() if tag not in (_MAKERS_NOTE, _INTEROP)}
        if values:
            kept.get_ifd(part).update(values)
            kept[part] = values  # where TIFF looks first
    return kept
