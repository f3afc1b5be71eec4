"""Broken and hostile images, through all that reads one: the detector's reader, the detector, `prepare`, `blur`."""

from __future__ import annotations

import functools
import struct
import zlib
from collections.abc import Callable, Mapping
from io import BytesIO
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.fuzzing.case import Case, written
from benchmarks.fuzzing.mutations import BYTES
from benchmarks.fuzzing.sandbox import Sandbox
from ultra_face.demo.dataset import draw_scene
from ultra_face.detection.sources import read_source
from ultra_face.detector import FaceDetector
from ultra_face.formats.image_files import Pixels, read_image
from ultra_face.formats.rewritten_images import rewrite_image

SUFFIXES = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp", "GIF": ".gif", "BMP": ".bmp", "TIFF": ".tif"}
SIDE = 160  # of pictures [px], so that thousands are read in minutes
FRAMES = 3
ORIENTATION = 0x0112
LARGE = 2 * 2**20  # bytes of photographs that are left out for their size
HUGE_SIDES = (
    (60_000, 60_000),
    (1, 2**31 - 1),
    (2**31 - 1, 1),
    (30_000, 30_000),
    (65_535, 65_535),
    (0, 0),
    (2**20 + 1, 1),
)
READERS = ("reader",) * 6 + ("prepare",) * 2 + ("blur",) * 2 + ("detector",)

Make = Callable[[Pixels, str, Random], bytes]


class Images:
    """A picture of one of six formats, made odd or broken.

    Args:
        detector: a small face model, .onnx.
        photographs: folder of real images, which join the drawn ones; None for drawn ones alone.
    """

    def __init__(self, detector: Path, photographs: Path | None = None) -> None:
        self.detector = FaceDetector(detector, conf=0.01)
        scenes = [draw_scene("scene", np.random.default_rng(seed))[0] for seed in range(4)]
        self.pictures = [
            np.asarray(Image.fromarray(scene[..., ::-1]).resize((SIDE, SIDE * 3 // 4))) for scene in scenes
        ]
        files = [] if photographs is None else sorted(photographs.rglob("*"))
        small = [file for file in files if file.suffix in SUFFIXES.values() and file.stat().st_size < LARGE]
        self.photographs = [(file.suffix, file.read_bytes()) for file in small[:: max(1, len(small) // 40)]]

    def case(self, number: int, rng: Random, sandbox: Sandbox) -> Case:
        """As `Family.case`; mutations take turns."""
        format_name = list(SUFFIXES)[number % len(SUFFIXES)]
        mutation = list(MUTATIONS)[number // len(SUFFIXES) % len(MUTATIONS)]
        suffix = SUFFIXES[format_name]
        content = MUTATIONS[mutation](rng.choice(self.pictures), format_name, rng)
        if mutation in BYTES and self.photographs and rng.random() < 0.3:
            suffix, whole = rng.choice(self.photographs)
            content = BYTES[mutation](whole, rng)
        elif mutation not in BYTES and rng.random() < 0.2:
            content = rng.choice(list(BYTES.values()))(content, rng)
        if rng.random() < 0.05:
            suffix = rng.choice((*SUFFIXES.values(), "", ".heic", ".avif", ".jp2", ".dng"))
        file = written(sandbox.input / f"picture{suffix}", content)
        return Case(mutation, lambda: self._read(file, rng.choice(READERS), sandbox), (file.name,))

    def _read(self, file: Path, reader: str, sandbox: Sandbox) -> Any:
        if reader == "detector":
            return list(islice(self.detector.stream(file), FRAMES))
        if reader == "prepare":
            if read_image(file) is None:
                raise ValueError(f"{file}: does not decode")  # in the words of each command
            return None
        if reader == "blur":
            return rewrite_image(file, sandbox.output / file.name, lambda pixels: pixels, keep_metadata=True)
        return list(islice(read_source(file), FRAMES))


def _saved(image: Image.Image, format_name: str, **options: Any) -> bytes:
    content = BytesIO()
    image.save(content, format_name, **options)
    return content.getvalue()


def _plain(pixels: Pixels, format_name: str, rng: Random) -> bytes:
    return _saved(Image.fromarray(pixels), format_name)


def _of_size(sizes: tuple[tuple[int, int], ...]) -> Make:
    def make(pixels: Pixels, format_name: str, rng: Random) -> bytes:
        width, height = rng.choice(sizes)
        limit = 16_383 if format_name == "WEBP" else 65_500
        return _saved(Image.fromarray(pixels).resize((min(width, limit), min(height, limit))), format_name)

    return make


def _of_mode(*modes: str) -> Make:
    def make(pixels: Pixels, format_name: str, rng: Random) -> bytes:
        image = Image.fromarray(pixels).convert(rng.choice(modes))
        try:
            return _saved(image, format_name)
        except (OSError, ValueError):  # the format has no such mode; TIFF has most
            return _saved(image, "TIFF")

    return make


def _of_16_bits(pixels: Pixels, format_name: str, rng: Random) -> bytes:
    wide = pixels[..., 0].astype(np.uint16) * 257
    return _saved(Image.fromarray(wide), "PNG" if format_name in ("PNG", "JPEG", "WEBP") else "TIFF")


def _turned(pixels: Pixels, format_name: str, rng: Random) -> bytes:
    exif = Image.Exif()
    exif[ORIENTATION] = rng.randrange(1, 9)
    kind = "JPEG" if format_name in ("GIF", "BMP") else format_name
    return _saved(Image.fromarray(pixels), kind, exif=exif)


def _broken_exif(pixels: Pixels, format_name: str, rng: Random) -> bytes:
    exif = Image.Exif()
    exif[ORIENTATION] = rng.randrange(1, 9)
    for tag in (0x010E, 0x8769, 0x8825, 0x927C, 0x0201):
        if rng.random() < 0.5:
            exif[tag] = rng.choice((2**31, "x" * 40, {0x9003: "2020"}, rng.randbytes(6)))
    try:
        block = exif.tobytes()
    except Exception:  # Pillow cannot write each of these
        block = b"Exif\0\0MM\0*\0\0\0\x08\0\x01"
    broken = block[:6] + BYTES[rng.choice(("bits flipped", "truncated", "part of noise"))](block[6:], rng)
    kind = "JPEG" if format_name in ("GIF", "BMP") else format_name
    try:
        return _saved(Image.fromarray(pixels), kind, exif=broken)
    except Exception:
        return _plain(pixels, format_name, rng)


def _claims(pixels: Pixels, format_name: str, rng: Random) -> bytes:
    """A header that claims a size which the content does not have."""
    width, height = rng.choice(HUGE_SIDES)
    content = bytearray(_plain(pixels, format_name, rng))
    return bytes(_CLAIM[format_name](content, width, height))


def _claim_jpeg(content: bytearray, width: int, height: int) -> bytes:
    at = content.index(b"\xff\xc0") + 5
    content[at : at + 4] = struct.pack(">HH", min(height, 65_535), min(width, 65_535))
    return content


def _claim_png(content: bytearray, width: int, height: int) -> bytes:
    content[16:24] = struct.pack(">II", width, height)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    return content


def _claim_gif(content: bytearray, width: int, height: int) -> bytes:
    content[6:10] = struct.pack("<HH", min(width, 65_535), min(height, 65_535))
    return content


def _claim_bmp(content: bytearray, width: int, height: int) -> bytes:
    content[18:26] = struct.pack("<ii", width, height)
    return content


def _claim_tiff(content: bytearray, width: int, height: int) -> bytes:
    start = struct.unpack_from("<I", content, 4)[0]
    for entry in range(struct.unpack_from("<H", content, start)[0]):
        at = start + 2 + 12 * entry
        tag = struct.unpack_from("<H", content, at)[0]
        if tag in (256, 257):
            struct.pack_into("<HHII", content, at, tag, 4, 1, width if tag == 256 else height)
    return content


def _claim_webp(content: bytearray, width: int, height: int) -> bytes:
    size = (
        struct.pack("<I", min(max(width - 1, 0), 2**24 - 1))[:3]
        + struct.pack("<I", min(max(height - 1, 0), 2**24 - 1))[:3]
    )
    chunk = b"VP8X" + struct.pack("<I", 10) + b"\0\0\0\0" + size
    body = b"WEBP" + chunk + bytes(content[12:])
    return b"RIFF" + struct.pack("<I", len(body)) + body


_CLAIM: Mapping[str, Callable[[bytearray, int, int], bytes]] = {
    "JPEG": _claim_jpeg,
    "PNG": _claim_png,
    "WEBP": _claim_webp,
    "GIF": _claim_gif,
    "BMP": _claim_bmp,
    "TIFF": _claim_tiff,
}


def _bomb(pixels: Pixels, format_name: str, rng: Random) -> bytes:
    """A small file that is right and becomes gigabytes: a PNG or a TIFF of one colour."""
    side = rng.choice((20_000, 32_000, 40_000))
    if format_name in ("PNG", "WEBP", "GIF"):
        return _flat_png(side)
    return _flat_tiff(side)


@functools.cache
def _flat_png(side: int) -> bytes:
    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    # A stream of zeros repeats, so that its middle can be said once and joined: rows are never held at once.
    squeeze = zlib.compressobj(9)
    row = bytes(1 + side // 8)  # one bit a pixel
    data = b"".join([squeeze.compress(row * 100) for _ in range(side // 100)] + [squeeze.flush()])
    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


@functools.cache
def _flat_tiff(side: int) -> bytes:
    data = zlib.compress(bytes(side // 8), 9)  # one bit a pixel, a strip a row, the same strip each time
    entries = [
        (256, 4, 1, side), (257, 4, 1, side), (258, 3, 1, 1), (259, 3, 1, 8), (262, 3, 1, 1),
        (273, 4, side, 0), (278, 4, 1, 1), (279, 4, side, 0),
    ]  # fmt: skip
    strips_at = 8 + len(data) + 2 + 12 * len(entries) + 4
    places = {273: strips_at, 279: strips_at + 4 * side}
    directory = struct.pack("<H", len(entries)) + b"".join(
        struct.pack("<HHII", tag, kind, count, places.get(tag, value)) for tag, kind, count, value in entries
    )
    strips = np.full(side, 8, "<u4").tobytes() + np.full(side, len(data), "<u4").tobytes()
    return b"II*\0" + struct.pack("<I", 8 + len(data)) + data + directory + bytes(4) + strips


def _other_head(pixels: Pixels, format_name: str, rng: Random) -> bytes:
    """The first bytes of another format before the rest of this one."""
    other = _plain(pixels, rng.choice([name for name in SUFFIXES if name != format_name]), rng)
    size = rng.choice((2, 4, 8, 12, 32))
    return other[:size] + _plain(pixels, format_name, rng)[size:]


def _many_frames(pixels: Pixels, format_name: str, rng: Random) -> bytes:
    kind = format_name if format_name in ("PNG", "WEBP", "GIF", "TIFF") else "GIF"
    frames = [Image.fromarray(np.roll(pixels, shift, axis=1)) for shift in range(rng.choice((2, 5)))]
    return _saved(frames[0], kind, save_all=True, append_images=frames[1:])


def _on_bytes(name: str) -> Make:
    def make(pixels: Pixels, format_name: str, rng: Random) -> bytes:
        return BYTES[name](_plain(pixels, format_name, rng), rng)

    return make


MUTATIONS: Mapping[str, Make] = {
    "none": _plain,
    **{name: _on_bytes(name) for name in BYTES},
    "head of another format": _other_head,
    "1 x 1": _of_size(((1, 1), (1, 2), (3, 1))),
    "1 x 20,000": _of_size(((1, 20_000), (20_000, 1), (2, 16_000))),
    "16 bits": _of_16_bits,
    "CMYK": _of_mode("CMYK"),
    "palette": _of_mode("P", "1"),
    "alpha": _of_mode("RGBA", "LA"),
    "grey, YCbCr, Lab": _of_mode("L", "YCbCr", "LAB", "I", "F"),
    "EXIF, all eight ways up": _turned,
    "broken EXIF": _broken_exif,
    "claims another size": _claims,
    "decompression bomb": _bomb,
    "several pictures": _many_frames,
}
