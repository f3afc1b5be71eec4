"""Annotated images of every layout that is known: which of them a folder or file holds, and its splits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from ultra_face.data.image_store import ImageFolder
from ultra_face.data.mtfl import parse_mtfl
from ultra_face.data.pascal_voc import find_voc_images, read_voc_folder
from ultra_face.data.row_reading import RowReading
from ultra_face.data.splits import (
    SPLIT_NAMES,
    SourceSplit,
    check_split_options,
    find_list,
    hold_out_images,
    select_images,
)
from ultra_face.data.widerface_release import open_release
from ultra_face.formats.annotation import FaceAnnotations
from ultra_face.formats.retinaface import parse_retinaface
from ultra_face.text_files import read_text


class Collection(NamedTuple):
    """Folder of images, their faces, and how the rows read where boxes are bare numbers."""

    folder: Path
    faces: list[FaceAnnotations]
    reading: RowReading | None = None


def open_source(
    source: Path,
    *,
    image_folder: Path | None = None,
    split_lists: Mapping[str, str | None] | None = None,
    hold_out: int | None = None,
) -> list[SourceSplit]:
    """Read all annotations of `source`.

    Args:
        source: One of

            - a RetinaFace-style label file, or the folder that holds it as `label.txt`;
            - a folder with the `landmarks.txt` of MTFL, see `mtfl`;
            - a folder with the XML files of Pascal VOC in `annotations` or `Annotations`, see `pascal_voc`;
            - a folder with the official archives of WIDER FACE or what they unpack to, see `widerface_release`.
        image_folder: Where the images are; by default `images` beside a label file, `images` or `JPEGImages`
            beside XML files, the folder of `landmarks.txt`. The official release has its own.
        split_lists: Split names with the text file that lists the split's images one a line (relative to the
            source, or to the working folder), or None for all images. By default the official splits, or all
            as `train`.
        hold_out: Instead of lists: every so many-th image, by sorted name, is `val`, and the rest `train`.

    Raises:
        FileNotFoundError: An archive, label file, list or image is missing, or a list names an image without
            annotation.
        ValueError: A broken annotation, a damaged archive, a split that is neither `train` nor `val`, or
            `hold_out` with lists, with too few images, or with the official release.
    """
    split_lists = split_lists or {}
    check_split_options(split_lists, hold_out)
    annotations, read = _find_layout(source)
    if read is None:
        if hold_out is not None:
            raise ValueError(
                f"{source}: expected {', '.join(_LAYOUTS)} in it to hold out images of, got none of them; leave out "
                "--hold-out for the official release, which has a val of its own"
            )
        return open_release(source, split_lists or dict.fromkeys(SPLIT_NAMES))
    folder, faces, reading = read(annotations, image_folder)
    if hold_out is not None:
        parts = hold_out_images(faces, hold_out)
    else:
        parts = {
            name: select_images(faces, find_list(list_file, annotations.parent))
            for name, list_file in (split_lists or {"train": None}).items()
        }
    return [SourceSplit(name, ImageFolder(folder), selected, reading) for name, selected in parts.items()]


def _read_label_file(file: Path, image_folder: Path | None) -> Collection:
    faces = parse_retinaface(read_text(file), str(file))
    return Collection(image_folder or file.parent / "images", faces, RowReading(str(file)))


def _read_mtfl(file: Path, image_folder: Path | None) -> Collection:
    return Collection(image_folder or file.parent, parse_mtfl(read_text(file), str(file)))


def _read_voc(folder: Path, image_folder: Path | None) -> Collection:
    images = image_folder or find_voc_images(folder.parent)
    return Collection(images, read_voc_folder(folder, images))


Reader = Callable[[Path, Path | None], Collection]
"""From the annotations and the folder of images, or None for the usual one."""

_LAYOUTS: dict[str, Reader] = {
    "label.txt": _read_label_file,
    "landmarks.txt": _read_mtfl,
    "annotations": _read_voc,
    "Annotations": _read_voc,
}


def _find_layout(source: Path) -> tuple[Path, Reader | None]:
    """The annotations that `source` is or holds and what reads them; None for the official release."""
    if source.is_file():
        return source, _LAYOUTS.get(source.name, _read_label_file)
    for name, read in _LAYOUTS.items():
        if (source / name).exists():
            return source / name, read
    return source, None
