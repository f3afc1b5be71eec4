"""Files of a few bytes that claim or hold more pixels than memory are refused by their header, damaged ones by None."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ultra_face.data.prepare import prepare_dataset
from ultra_face.detection.images import read_photograph
from ultra_face.formats import image_headers
from ultra_face.formats.image_files import decode_image, image_size, read_image
from ultra_face.formats.image_headers import TooManyPixelsError, check_pixels, open_header
from ultra_face.formats.rewritten_images import rewrite_image

CLAIM = r"expected an image of at most 200 million pixels, got 60000 x 60000; make it smaller$"


def claiming_png(width: int, height: int) -> bytes:
    """A PNG of 8 x 8 px whose header states another size, with its checksum."""
    stream = io.BytesIO()
    Image.new("RGB", (8, 8)).save(stream, "PNG")
    content = bytearray(stream.getvalue())
    content[16:24] = struct.pack(">II", width, height)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    return bytes(content)


def test_the_limit_is_that_of_the_largest_telephones() -> None:
    check_pixels((20_000, 10_000), "a")
    with pytest.raises(
        TooManyPixelsError, match=r"^a: expected an image of at most 200 million pixels, got 20000 x 10001"
    ):
        check_pixels((20_000, 10_001), "a")


def test_a_bomb_is_refused_by_every_reader(tmp_path: Path) -> None:
    content = claiming_png(60_000, 60_000)
    file = tmp_path / "bomb.png"
    file.write_bytes(content)
    for read in (decode_image, image_size):
        with pytest.raises(TooManyPixelsError, match=f"^here: {CLAIM}"):
            read(content, "here")
    with pytest.raises(TooManyPixelsError, match=f"bomb.png: {CLAIM}"):
        read_image(file)
    with pytest.raises(ValueError, match=f"bomb.png: {CLAIM}"):
        read_photograph(file)
    with pytest.raises(ValueError, match=f"bomb.png: {CLAIM}"):
        rewrite_image(file, tmp_path / "copy.png", lambda pixels: pixels)


def test_avif_is_held_to_the_same_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.BytesIO()
    try:
        Image.new("RGB", (64, 32)).save(stream, "AVIF")
    except (KeyError, OSError):
        pytest.skip("this Pillow writes no AVIF")
    assert image_size(stream.getvalue()) == (64, 32)
    monkeypatch.setattr(image_headers, "MAX_PIXELS", 64 * 32 - 1)
    with pytest.raises(TooManyPixelsError, match="got 64 x 32"):
        decode_image(stream.getvalue())


def test_a_bomb_in_a_data_set_is_left_out_and_told(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "bomb.png").write_bytes(claiming_png(60_000, 60_000))
    Image.new("RGB", (32, 32)).save(tmp_path / "images" / "a.png")
    (tmp_path / "label.txt").write_text("# bomb.png\n1 1 9 9\n# a.png\n1 1 9 9\n")
    report = prepare_dataset([tmp_path / "label.txt"], tmp_path / "faces").splits["train"]
    assert report.images == 1
    (problem,) = report.problems
    assert problem.startswith(f"{tmp_path / 'label.txt'}:1: bomb.png: expected an image of at most 200 million pixels")


@pytest.mark.parametrize(
    "content",
    [
        claiming_png(2**20 + 1, 1),  # OpenCV raises its own error at a side of more than 2^20 px
        claiming_png(0, 0),
        b"\x89PNG\r\n\x1a\n",
        b"II*\0\xff\xff\xff\xff",
        b"GIF89a",
        b"",
    ],
    ids=["too wide for OpenCV", "no pixels", "PNG", "TIFF", "GIF", "nothing"],
)
def test_damaged_headers_do_not_decode(content: bytes) -> None:
    assert decode_image(content) is None


def test_a_header_is_read_without_the_pixels() -> None:
    header = open_header(claiming_png(60_000, 50_000))
    assert header is not None
    assert header.size == (60_000, 50_000)


def test_notes_that_cannot_be_copied_are_told(tmp_path: Path) -> None:
    """Pillow raises SyntaxError, which is no ValueError, over EXIF whose directory is no TIFF."""
    stream = io.BytesIO()
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(stream, "PNG", exif=b"Exif\0\0no directory")
    (tmp_path / "a.png").write_bytes(stream.getvalue())
    with pytest.raises(ValueError, match=r"a\.png: expected an image whose transparency and notes can be copied, got"):
        rewrite_image(tmp_path / "a.png", tmp_path / "b.jpg", lambda pixels: pixels, keep_metadata=True)
    assert not (tmp_path / "b.jpg").exists()
