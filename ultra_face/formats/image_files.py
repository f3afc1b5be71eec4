"""Image files: the suffixes that Ultralytics trains on, and all images below a folder as it finds them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePath

IMAGE_SUFFIXES = (
    ".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".avif", ".heic", ".heif", ".jp2", ".mpo", ".dng",
)  # fmt: skip
"""Ultralytics' `IMG_FORMATS`, which cannot be imported without torch; the usual ones first."""


def is_image_name(name: str | PurePath) -> bool:
    """Whether a path ends as image files do, in small letters or capitals."""
    return str(name).lower().endswith(IMAGE_SUFFIXES)


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
