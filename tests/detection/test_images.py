"""Every way to hand over an image gives the same pixels; what is no image is refused in one sentence."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageOps
from ultralytics.data.loaders import LoadPilAndNumpy
from ultralytics.data.utils import VID_FORMATS

from ultra_face.detection.images import VIDEO_SUFFIXES, read_photograph

HEIGHT, WIDTH = 40, 60


@pytest.fixture
def pixels() -> NDArray[np.uint8]:
    """A photograph, BGR, smooth, so that lossy formats keep it."""
    colours = np.random.default_rng(0).integers(0, 256, (4, 6, 3), np.uint8)
    return cv2.resize(colours, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)


def png(pixels: NDArray[Any]) -> bytes:
    return cv2.imencode(".png", pixels)[1].tobytes()


def read(image: Any, **options: Any) -> NDArray[np.uint8]:
    found = read_photograph(image, **options).pixels
    assert found.dtype == np.uint8
    assert found.flags.c_contiguous
    return found


def test_path_bytes_file_and_pil_image(pixels: NDArray[np.uint8], tmp_path: Path) -> None:
    file = tmp_path / "photo.png"
    file.write_bytes(png(pixels))
    with file.open("rb") as opened, Image.open(file) as image:
        given = [file, str(file), png(pixels), bytearray(png(pixels)), io.BytesIO(png(pixels)), opened, image]
        found = [read_photograph(each) for each in given]
    for each in found:
        np.testing.assert_array_equal(each.pixels, pixels)
    assert [each.source for each in found] == [str(file), str(file), None, None, None, str(file), str(file)]
    assert all(each.frame is None for each in found)


@pytest.mark.parametrize("name", ["with a blank.png", "Gebäude und Bäume.png", "no-suffix", "シ.png", "UPPER.PNG"])
def test_names(pixels: NDArray[np.uint8], tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.write_bytes(png(pixels))
    np.testing.assert_array_equal(read(file), pixels)


def test_colour_orders_and_alpha(pixels: NDArray[np.uint8]) -> None:
    alpha = np.random.default_rng(1).integers(0, 256, (HEIGHT, WIDTH, 1), np.uint8)
    rgb = np.ascontiguousarray(pixels[..., ::-1])
    np.testing.assert_array_equal(read(pixels), pixels)
    np.testing.assert_array_equal(read(rgb, color="rgb"), pixels)
    np.testing.assert_array_equal(read(np.dstack([pixels, alpha])), pixels)
    np.testing.assert_array_equal(read(np.dstack([rgb, alpha]), color="rgb"), pixels)
    np.testing.assert_array_equal(read(Image.fromarray(np.dstack([rgb, alpha]))), pixels)
    np.testing.assert_array_equal(read(png(np.dstack([pixels, alpha]))), pixels)


def test_grey(pixels: NDArray[np.uint8]) -> None:
    grey = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
    expected = cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR)
    with_alpha = np.dstack([grey, 255 - grey])
    for given in (grey, grey[..., None], with_alpha, png(grey), Image.fromarray(grey)):
        np.testing.assert_array_equal(read(given), expected)


def test_sixteen_bits_are_shifted_as_ultralytics_does(pixels: NDArray[np.uint8], tmp_path: Path) -> None:
    low = np.random.default_rng(2).integers(0, 256, pixels.shape).astype(np.uint16)
    deep = pixels.astype(np.uint16) << 8 | low
    np.testing.assert_array_equal(read(deep), pixels)
    np.testing.assert_array_equal(read(deep), LoadPilAndNumpy(deep).im0[0])
    np.testing.assert_array_equal(read(png(deep)), pixels)
    grey = np.ascontiguousarray(deep[..., 0])
    (tmp_path / "grey.png").write_bytes(png(grey))
    with Image.open(tmp_path / "grey.png") as image:
        assert image.mode == "I;16"
        np.testing.assert_array_equal(read(image), np.dstack([pixels[..., 0]] * 3))


def test_memory_orders(pixels: NDArray[np.uint8]) -> None:
    fortran, reversed_ = np.asfortranarray(pixels), np.ascontiguousarray(pixels[::-1, ::-1])[::-1, ::-1]
    read_only, strided = pixels.copy(), np.repeat(pixels, 2, axis=1)[:, ::2]
    read_only.flags.writeable = False
    assert not fortran.flags.c_contiguous
    assert reversed_.strides[0] < 0
    for given in (fortran, reversed_, read_only, strided):
        np.testing.assert_array_equal(read(given), pixels)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_exif_turns_files_bytes_and_pil_images_upright(
    pixels: NDArray[np.uint8], tmp_path: Path, orientation: int, kind: str
) -> None:
    exif = Image.Exif()
    exif[0x112] = orientation
    content = io.BytesIO()
    Image.fromarray(pixels[..., ::-1]).save(content, kind, exif=exif.tobytes())
    plain = Image.open(io.BytesIO(content.getvalue()))
    expected = np.asarray(ImageOps.exif_transpose(plain).convert("RGB"))[..., ::-1]
    assert expected.shape[:2] == ((WIDTH, HEIGHT) if orientation >= 5 else (HEIGHT, WIDTH))
    (tmp_path / "photo").write_bytes(content.getvalue())
    for given in (tmp_path / "photo", content.getvalue(), plain):
        np.testing.assert_array_equal(read(given), expected)
    # An array has no EXIF: whoever made it has turned it or not.
    as_stored = np.asarray(Image.open(content).convert("RGB"))
    np.testing.assert_array_equal(read(as_stored, color="rgb"), as_stored[..., ::-1])


def test_all_eight_orientations_show_the_same_photograph(pixels: NDArray[np.uint8]) -> None:
    # Turned away by the transposition that undoes each orientation; the oracle is the photograph itself.
    away = {2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
            5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
            8: Image.Transpose.ROTATE_270}  # fmt: skip
    for orientation in range(1, 9):
        image = Image.fromarray(pixels[..., ::-1])
        image = image.transpose(away[orientation]) if orientation in away else image
        exif, content = Image.Exif(), io.BytesIO()
        exif[0x112] = orientation
        image.save(content, "PNG", exif=exif)
        np.testing.assert_array_equal(read(content.getvalue()), pixels)
        np.testing.assert_array_equal(read(Image.open(content)), pixels)


FLOATS = np.linspace(0, 1, 12, dtype=np.float32).reshape(2, 2, 3)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (FLOATS, r"^array: expected uint8, got float32 in 0\.\.1; scale it to 0\.\.255 and convert it with astype"),
        (FLOATS.astype(float) * 255, r"got float64 in 0\.\.255; scale"),
        (FLOATS > 0.5, r"got bool in 0\.\.1; scale"),
        (np.zeros((2, 2, 3), np.int64), r"got int64 in 0\.\.0; scale"),
        (np.zeros((1, 4, 4, 3), np.uint8), r"expected the shape .*, got \(1, 4, 4, 3\); pass a list of images"),
        (np.zeros((3, 40, 60), np.uint8), r"got \(3, 40, 60\); pass one image, its 1 to 4 channels last"),
        (np.zeros((0, 4, 3), np.uint8), r"got \(0, 4, 3\); pass one image"),
        (np.zeros(4, np.uint8), r"got \(4,\); pass one image"),
        (b"", r"^bytes: expected an image, got 0 bytes that do not decode as one; check the file"),
        (b"no image", r"^bytes: expected an image, got 8 bytes that do not decode"),
        (io.BytesIO(b"no image"), r"^file: expected an image, got 8 bytes"),
        (io.StringIO("text"), r"^file: expected a file open in binary mode, got text; open it with 'rb'"),
        (Image.fromarray(FLOATS[..., 0]), r"^PIL image: expected 8 or 16 bits a channel, got mode 'F', whose range"),
        (Image.new("RGB", (0, 3)), r"^PIL image: expected 1 px or more, got 0 x 3 px"),
        (0, r"^image: expected a path, .*, got int; call detector\.stream for a camera"),
        ({"a": 1}, r"^image: expected a path, .*, got dict; convert it"),
        (None, r"^image: expected a path, .*, got NoneType; convert it"),
        (
            "https://example.org/a.jpg",
            r"^https://example\.org/a\.jpg: expected one image, got a URL; call detector\.st",
        ),
        ("*.jpg", r"^\*\.jpg: expected one image, got a pattern; call detector\.stream\('\*\.jpg'\)"),
    ],
    ids=lambda value: None if isinstance(value, str) else type(value).__name__,
)
def test_what_is_no_image(image: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        read_photograph(image)
    assert "\n" not in str(caught.value)


def test_folders_videos_and_missing_files(tmp_path: Path) -> None:
    (tmp_path / "clip.MP4").write_bytes(b"a video")
    (tmp_path / "notes.txt").write_text("no image")
    with pytest.raises(ValueError, match=r": expected one image, got a folder; call detector\.stream\('"):
        read_photograph(tmp_path)
    with pytest.raises(ValueError, match=r"clip\.MP4: expected one image, got a video; call detector\.stream\('"):
        read_photograph(tmp_path / "clip.MP4")
    with pytest.raises(
        ValueError, match=r"notes\.txt: expected an image, got 8 bytes that do not decode as one; .*stre"
    ):
        read_photograph(tmp_path / "notes.txt")
    with pytest.raises(FileNotFoundError, match=r"no\.jpg: expected an image file, got no file; check the path$"):
        read_photograph(tmp_path / "no.jpg")


def test_the_suffixes_of_videos_are_those_of_ultralytics() -> None:
    assert {suffix[1:] for suffix in VIDEO_SUFFIXES} == set(VID_FORMATS)
