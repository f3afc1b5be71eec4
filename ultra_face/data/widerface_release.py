"""The official WIDER FACE release as a source: its archives, or what they unpack to, and RetinaFace's annotations."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ultra_face.data.image_store import ImageArchive, ImageFolder, ImageStore, open_archive
from ultra_face.data.row_reading import RowReading
from ultra_face.data.splits import SourceSplit, find_list, select_images
from ultra_face.formats.annotation import FaceAnnotations
from ultra_face.formats.retinaface import parse_retinaface
from ultra_face.formats.widerface import parse_widerface
from ultra_face.text_files import decode_text, read_text

OFFICIAL_ARCHIVES = ("WIDER_train.zip", "WIDER_val.zip", "wider_face_split.zip")
RETINAFACE_FOLDER = "retinaface_gt_v1.1"
_REMEDY = (
    f"put {', '.join(OFFICIAL_ARCHIVES)} there, or name a folder with label.txt, landmarks.txt, or annotations of "
    "Pascal VOC"
)


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
            text = decode_text(opened.read(member), f"{archive}/{member}")
        except KeyError as error:
            raise FileNotFoundError(f"{archive}: expected {member} in it; fetch the archive again") from error
    return parse_widerface(text, f"{archive}/{member}")
