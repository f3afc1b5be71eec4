"""Annotated images of every layout that is known: which of them a folder or file holds, and what becomes which split.

The official WIDER FACE release is read from its archives, or from what they unpack to, with RetinaFace's annotations.
Splits are what lists name, or every N-th image by name, or all for training.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from ultra_face.data.cleaning import RowReading
from ultra_face.formats.annotation import FaceAnnotations
from ultra_face.formats.archives import open_archive, read_member
from ultra_face.formats.files import decode_text, read_text
from ultra_face.formats.image_files import ImageArchive, ImageFolder, ImageStore
from ultra_face.formats.mtfl import parse_mtfl
from ultra_face.formats.pascal_voc import find_voc_images, read_voc_folder
from ultra_face.formats.retinaface import parse_retinaface
from ultra_face.formats.widerface import parse_widerface

SPLIT_NAMES = ("train", "val")
OFFICIAL_ARCHIVES = ("WIDER_train.zip", "WIDER_val.zip", "wider_face_split.zip")
RETINAFACE_FOLDER = "retinaface_gt_v1.1"
_REMEDY = (
    f"put {', '.join(OFFICIAL_ARCHIVES)} there, or name a folder with label.txt, landmarks.txt, or annotations of "
    "Pascal VOC"
)


@dataclass(frozen=True)
class SourceSplit:
    """The part of a source that becomes one split of the data set.

    Attributes:
        name: `train` or `val`.
        images: Where the images are.
        faces: What is known of each image.
        reading: How the rows of the source read, where its boxes are bare numbers; shared by its splits.
    """

    name: str
    images: ImageStore
    faces: list[FaceAnnotations]
    reading: RowReading | None = None


def split_argument(text: str) -> tuple[str, str | None]:
    """`NAME=LIST` or `NAME` of a command line as a split name and its list file or None."""
    name, _, list_file = text.partition("=")
    return name, list_file or None


def check_split_options(split_lists: Mapping[str, str | None], hold_out: int | None) -> None:
    """Check what does not depend on a source.

    Raises:
        ValueError: A split is neither `train` nor `val`; both ways to split are asked for; `hold_out` is below 2.
    """
    unknown = sorted(set(split_lists) - set(SPLIT_NAMES))
    if unknown:
        raise ValueError(f"expected splits among {', '.join(SPLIT_NAMES)}, got {', '.join(unknown)}")
    if hold_out is None:
        return
    if split_lists:
        raise ValueError(
            f"expected --split or --hold-out, got --hold-out {hold_out} and --split for {', '.join(split_lists)}; "
            "leave one out"
        )
    if hold_out < 2:
        raise ValueError(f"expected --hold-out of 2 or more, got {hold_out}; 7 holds out every seventh image")


def hold_out_images(faces: list[FaceAnnotations], every: int) -> dict[str, list[FaceAnnotations]]:
    """Of the images sorted by name, every `every`-th as `val` (the first at position `every`), the others as `train`.

    Raises:
        ValueError: There are fewer images than `every`, so that `val` would be empty.
    """
    if len(faces) < every:
        raise ValueError(
            f"expected {every} or more images to hold out every {every}-th, got {len(faces)}; lower --hold-out"
        )
    ordered = sorted(faces, key=lambda entry: entry.image)
    val = ordered[every - 1 :: every]
    del ordered[every - 1 :: every]
    return {"train": ordered, "val": val}


def find_list(list_file: str | None, folder: Path) -> Path | None:
    """Find the list file, looked up below `folder` first and as it stands second; None stays None."""
    if list_file is None:
        return None
    candidates = (folder / list_file, Path(list_file))
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    raise FileNotFoundError(f"list of images {list_file} not found; expected {candidates[0]} or {candidates[1]}")


def select_images(faces: list[FaceAnnotations], list_file: Path | None) -> list[FaceAnnotations]:
    """The annotations of the images that `list_file` names, in its order; all of them without a list.

    A list may leave out the extension of an image, as those of Pascal VOC do, where only one image has the name.

    Raises:
        FileNotFoundError: A listed image has no annotation.
    """
    if list_file is None:
        return faces
    bare_names = [str(PurePosixPath(entry.image).with_suffix("")) for entry in faces]
    times = Counter(bare_names)
    by_name = {bare_name: entry for bare_name, entry in zip(bare_names, faces, strict=True) if times[bare_name] == 1}
    by_name |= {entry.image: entry for entry in faces}
    selected = []
    for number, line in enumerate(read_text(list_file).splitlines(), start=1):
        image = line.strip()
        if not image:
            continue
        if image not in by_name:
            raise FileNotFoundError(
                f"{list_file}:{number}: expected an image that the source annotates, got {image!r}; remove the line"
            )
        selected.append(by_name[image])
    return selected


def open_release(source: Path, split_lists: Mapping[str, str | None]) -> list[SourceSplit]:
    """The splits of the release in the folder `source`, reduced to the images that lists name (None for all).

    RetinaFace's annotations, unpacked beside the archives as `retinaface_gt_v1.1`, replace the official boxes of
    a split that they give landmarks.

    Raises:
        FileNotFoundError: An archive or list is missing, or a list names an image without annotation.
        ValueError: A broken line or a damaged archive.
    """
    return [
        SourceSplit(
            name,
            _images(source, name),
            select_images(_faces(source, name), find_list(list_file, source)),
            RowReading(f"{source}, {name}"),
        )
        for name, list_file in split_lists.items()
    ]


def _images(source: Path, split: str) -> ImageStore:
    folder = source / f"WIDER_{split}" / "images"
    if folder.is_dir():
        return ImageFolder(folder)
    archive = source / f"WIDER_{split}.zip"
    if archive.is_file():
        return ImageArchive(archive, prefix=f"WIDER_{split}/images/")
    raise FileNotFoundError(f"{source}: expected {archive.name} or {folder.parent.name}/images, got neither; {_REMEDY}")


def _faces(source: Path, split: str) -> list[FaceAnnotations]:
    """RetinaFace's annotation of the split where it has landmarks, else the official box list."""
    label_file = source / RETINAFACE_FOLDER / split / "label.txt"
    if label_file.is_file():
        faces = parse_retinaface(read_text(label_file), str(label_file))
        if any((entry.landmarks[..., 2] > 0).any() for entry in faces):
            return faces
    member = f"wider_face_split/wider_face_{split}_bbx_gt.txt"
    if (source / member).is_file():
        return parse_widerface(read_text(source / member), str(source / member))
    archive = source / "wider_face_split.zip"
    if not archive.is_file():
        raise FileNotFoundError(f"{source}: expected {archive.name} or {member}, got neither; {_REMEDY}")
    with open_archive(archive) as opened:
        try:
            text = decode_text(read_member(opened, member), f"{archive}/{member}")
        except KeyError as error:
            raise FileNotFoundError(f"{archive}: expected {member} in it; fetch the archive again") from error
    return parse_widerface(text, f"{archive}/{member}")


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
            - a folder with the `landmarks.txt` of MTFL, see `formats/mtfl.py`;
            - a folder with the XML files of Pascal VOC in `annotations` or `Annotations`;
            - a folder with the official archives of WIDER FACE or what they unpack to, see `open_release`.
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
