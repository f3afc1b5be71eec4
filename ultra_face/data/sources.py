"""Annotated images: the official WIDER FACE release, or a RetinaFace-style `label.txt` and its images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ultra_face.data.annotation import FaceAnnotations
from ultra_face.data.image_store import ImageArchive, ImageFolder, ImageStore, open_archive
from ultra_face.data.retinaface import parse_retinaface
from ultra_face.data.widerface import parse_widerface

SPLIT_NAMES = ("train", "val")
OFFICIAL_ARCHIVES = ("WIDER_train.zip", "WIDER_val.zip", "wider_face_split.zip")
RETINAFACE_FOLDER = "retinaface_gt_v1.1"


@dataclass(frozen=True)
class SourceSplit:
    """The part of a source that becomes one split of the data set."""

    name: str
    images: ImageStore
    faces: list[FaceAnnotations]


def open_source(
    source: Path, *, image_folder: Path | None = None, split_lists: Mapping[str, str | None] | None = None
) -> list[SourceSplit]:
    """Read all annotations of `source`.

    Args:
        source: A folder with the official archives or what they unpack to; or a RetinaFace-style label file,
            or the folder that holds it as `label.txt`. RetinaFace's annotations, unpacked beside the official
            archives as `retinaface_gt_v1.1`, replace the official boxes of a split that they give landmarks.
        image_folder: Where the images of a label file are; by default `images` beside it.
        split_lists: Split names with the text file that lists the split's images one a line (relative to the
            source, or to the working folder), or None for all images. By default the official splits, or all
            as `train`.

    Raises:
        FileNotFoundError: An archive, label file or list is missing, or a list names an image without
            annotation.
        ValueError: A broken line, a damaged archive, or a split that is neither `train` nor `val`.
    """
    split_lists = split_lists or {}
    unknown = sorted(set(split_lists) - set(SPLIT_NAMES))
    if unknown:
        raise ValueError(f"expected splits among {', '.join(SPLIT_NAMES)}, got {', '.join(unknown)}")
    if source.is_file():
        label_file = source
    elif (source / "label.txt").is_file():
        label_file = source / "label.txt"
    else:
        return _open_official(source, split_lists or dict.fromkeys(SPLIT_NAMES))
    images = ImageFolder(image_folder or label_file.parent / "images")
    faces = parse_retinaface(label_file.read_text(encoding="utf-8"), str(label_file))
    return [
        SourceSplit(name, images, select_images(faces, find_list(list_file, label_file.parent)))
        for name, list_file in (split_lists or {"train": None}).items()
    ]


def split_argument(text: str) -> tuple[str, str | None]:
    """`NAME=LIST` or `NAME` of a command line as a split name and its list file or None."""
    name, _, list_file = text.partition("=")
    return name, list_file or None


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

    Raises:
        FileNotFoundError: A listed image has no annotation.
    """
    if list_file is None:
        return faces
    by_image = {entry.image: entry for entry in faces}
    selected = []
    for number, line in enumerate(list_file.read_text(encoding="utf-8").splitlines(), start=1):
        image = line.strip()
        if not image:
            continue
        if image not in by_image:
            raise FileNotFoundError(
                f"{list_file}:{number}: expected an image that the label file annotates, got {image!r}; remove the line"
            )
        selected.append(by_image[image])
    return selected


def _open_official(source: Path, split_lists: Mapping[str, str | None]) -> list[SourceSplit]:
    return [
        SourceSplit(
            name,
            _official_images(source, name),
            select_images(_official_faces(source, name), find_list(list_file, source)),
        )
        for name, list_file in split_lists.items()
    ]


def _official_images(source: Path, split: str) -> ImageStore:
    folder = source / f"WIDER_{split}" / "images"
    if folder.is_dir():
        return ImageFolder(folder)
    archive = source / f"WIDER_{split}.zip"
    if archive.is_file():
        return ImageArchive(archive, prefix=f"WIDER_{split}/images/")
    raise FileNotFoundError(f"{source}: expected {archive.name} or {folder.parent.name}/images, got neither; {_REMEDY}")


def _official_faces(source: Path, split: str) -> list[FaceAnnotations]:
    """RetinaFace's annotation of the split where it has landmarks, else the official box list."""
    label_file = source / RETINAFACE_FOLDER / split / "label.txt"
    if label_file.is_file():
        faces = parse_retinaface(label_file.read_text(encoding="utf-8"), str(label_file))
        if any((entry.landmarks[..., 2] > 0).any() for entry in faces):
            return faces
    member = f"wider_face_split/wider_face_{split}_bbx_gt.txt"
    if (source / member).is_file():
        return parse_widerface((source / member).read_text(encoding="utf-8"), str(source / member))
    archive = source / "wider_face_split.zip"
    if not archive.is_file():
        raise FileNotFoundError(f"{source}: expected {archive.name} or {member}, got neither; {_REMEDY}")
    with open_archive(archive) as opened:
        try:
            text = opened.read(member).decode("utf-8")
        except KeyError as error:
            raise FileNotFoundError(f"{archive}: expected {member} in it; fetch the archive again") from error
    return parse_widerface(text, f"{archive}/{member}")


_REMEDY = f"put {', '.join(OFFICIAL_ARCHIVES)} there, or name a folder with a label.txt"
