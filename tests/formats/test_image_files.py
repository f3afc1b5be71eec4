from __future__ import annotations

import pytest
from ultralytics.data.utils import IMG_FORMATS

from ultra_face.formats.image_files import IMAGE_SUFFIXES, find_images, is_image_name


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
