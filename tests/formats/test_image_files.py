from __future__ import annotations

from io import BytesIO

import cv2
import numpy as np
import pytest
from PIL import Image, features
from ultralytics.data.utils import IMG_FORMATS
from ultralytics.utils.patches import imread

from ultra_face.formats.image_files import (
    IMAGE_SUFFIXES,
    ImageArchive,
    ImageFolder,
    find_images,
    image_size,
    is_image_content,
    is_image_name,
    read_image,
)


def test_the_suffixes_are_those_of_ultralytics():
    assert len(set(IMAGE_SUFFIXES)) == len(IMAGE_SUFFIXES)
    assert {suffix[1:] for suffix in IMAGE_SUFFIXES} == set(IMG_FORMATS)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.jpg", True),
        ("one/a b.TIF", True),
        ("a.b.Webp", True),
        ("a.txt", False),
        ("jpg", False),
        ("a.jpg.part", False),
    ],
)
def test_images_are_known_by_their_suffix(name, expected):
    assert is_image_name(name) is expected


@pytest.mark.parametrize("form", ["JPEG", "PNG", "BMP", "TIFF", "WEBP", "AVIF", "JPEG2000", "MPO"])
def test_images_are_known_by_their_first_bytes(form):
    """As Pillow writes them."""
    if form == "AVIF" and not features.check("avif"):
        pytest.skip("this Pillow writes no AVIF")
    content = BytesIO()
    Image.new("RGB", (16, 8)).save(content, form)
    assert is_image_content(content.getvalue()[:12])


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        (b"\0\0\0\x18ftypheic", True),  # of a telephone
        (b"\0\0\0\x20ftypisom", False),  # .mp4
        (b"\0\0\0\x14ftypqt  ", False),  # .mov
        (b"\x1aE\xdf\xa3\x9fB\x86\x81\x01", False),  # .mkv
        (b"RIFF\0\0\0\0AVI ", False),
        (b"GIF89a\x10\0", False),  # a film, as by its name
        (b"hello", False),
        (b"", False),
    ],
)
def test_what_is_no_image_begins_otherwise(first, expected):
    assert is_image_content(first) is expected


@pytest.fixture
def folder(tmp_path):
    """Folder `images` with a nested image, and images outside of it."""
    for name in ("images/a.jpg", "images/deep/er/b.PNG", "images/notes.txt", "elsewhere/c.jpg", "elsewhere/in/d.bmp"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    return tmp_path / "images"


def found(folder):
    return [path.relative_to(folder).as_posix() for path in find_images(folder)]


def test_images_of_all_depths_are_found_in_order(folder):
    assert found(folder) == ["a.jpg", "deep/er/b.PNG"]
    assert find_images(folder / "none") == []


def test_links_are_followed(folder):
    (folder / "linked").symlink_to(folder.parent / "elsewhere")
    (folder / "e.jpg").symlink_to(folder.parent / "elsewhere" / "c.jpg")
    assert found(folder) == ["a.jpg", "deep/er/b.PNG", "e.jpg", "linked/c.jpg", "linked/in/d.bmp"]


def test_a_cycle_of_links_ends(folder):
    """Two links to a folder above: without an end, their paths would branch at each of forty levels."""
    (folder / "deep" / "up").symlink_to(folder)
    (folder / "deep" / "er" / "again").symlink_to(folder / "deep")
    assert found(folder) == ["a.jpg", "deep/er/b.PNG"]


def test_names_that_start_with_a_dot_are_left_out(folder):
    (folder / "._a.jpg").write_bytes(b"")
    (folder / ".thumbnails").mkdir()
    (folder / ".thumbnails" / "a.jpg").write_bytes(b"")
    assert found(folder) == ["a.jpg", "deep/er/b.PNG"]


def test_folder_and_archive_give_the_same_bytes(official_source, official_archives):
    folder = ImageFolder(official_source / "WIDER_train" / "images")
    archive = ImageArchive(official_archives / "WIDER_train.zip", prefix="WIDER_train/images/")
    assert folder.read("0--Parade/train.jpg") == archive.read("0--Parade/train.jpg")
    assert folder.file("0--Parade/train.jpg").is_absolute()
    assert archive.file("0--Parade/train.jpg") is None


def test_missing_images(official_source, official_archives):
    with pytest.raises(FileNotFoundError, match=r"x\.jpg is not in .*images"):
        ImageFolder(official_source / "WIDER_train" / "images").read("x.jpg")
    with pytest.raises(FileNotFoundError, match=r"WIDER_train/images/x\.jpg is not in .*WIDER_train\.zip"):
        ImageArchive(official_archives / "WIDER_train.zip", prefix="WIDER_train/images/").read("x.jpg")


def test_a_truncated_archive(official_archives):
    path = official_archives / "WIDER_train.zip"
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(ValueError, match=r"WIDER_train\.zip: expected a complete zip archive, got a damaged one"):
        ImageArchive(path, prefix="WIDER_train/images/")


def test_an_archive_with_a_damaged_image(official_archives):
    path = official_archives / "WIDER_train.zip"
    content = bytearray(path.read_bytes())
    content[200] ^= 0xFF
    path.write_bytes(content)
    archive = ImageArchive(path, prefix="WIDER_train/images/")
    with pytest.raises(ValueError, match=r"0--Parade/train\.jpg is damaged, or locked \(.*\); fetch the archive again"):
        archive.read("0--Parade/train.jpg")


def test_image_size():
    png = cv2.imencode(".png", np.zeros((30, 40, 3), np.uint8))[1].tobytes()
    assert image_size(png) == (40, 30)
    assert image_size(b"") is None
    assert image_size(b"no image") is None
    assert image_size(b"\0\0\0\x1cftypavif no image") is None


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "bmp", "tif", "jp2", "avif"])
def test_pixels_are_those_of_ultralytics(tmp_path, suffix):
    if suffix == "avif" and not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    path = tmp_path / f"ü.{suffix}"
    smooth = cv2.resize(np.random.default_rng(0).integers(0, 256, (4, 4, 3)).astype(np.uint8), (60, 40))
    Image.fromarray(smooth).save(path)
    np.testing.assert_array_equal(read_image(path), imread(path))
    assert image_size(path.read_bytes()) == (60, 40)


def test_a_file_that_is_missing_or_no_image_has_no_pixels(tmp_path):
    (tmp_path / "dead.jpg").symlink_to(tmp_path / "nowhere.jpg")
    (tmp_path / "text.jpg").write_text("no image")
    assert [read_image(tmp_path / name) for name in ("dead.jpg", "text.jpg", "none.jpg")] == [None] * 3
