"""Boxes in the XML files of Pascal VOC, one file an image: every object, whatever its class, is a face.

Corners are pixel coordinates as they stand: labelling tools write them so, although VOC itself counted pixels from
1. `difficult` objects count. There are no landmarks. Source: the development kit of VOC 2012.

Safety: ElementTree never opens external entities, and files with a DOCTYPE, the only place where entities that
expand without end could be defined, are refused.
"""

from __future__ import annotations

import math
from pathlib import Path, PurePath
from typing import NamedTuple
from xml.etree import ElementTree

from ultra_face.formats.annotation import FaceAnnotations, FaceRow, assemble_faces, no_landmarks
from ultra_face.formats.image_files import is_image_name

IMAGE_FOLDERS = ("images", "JPEGImages")
_CORNERS = ("xmin", "ymin", "xmax", "ymax")
_REMEDY = "correct or remove the file"


class VocFile(NamedTuple):
    """What one XML file states: the name of its image ("" if none), boxes, and the image's size [px] (None if none)."""

    image: str
    rows: list[FaceRow]
    size: tuple[float, float] | None


def parse_voc(content: bytes, source: str) -> VocFile:
    """Parse one XML file; `source` names it in errors. A size of 0, which some tools write, counts as none.

    Raises:
        ValueError: The XML is broken or something else, an object has no box, a box that is not four finite numbers
            with the smaller ones first, or the size is not finite numbers. Names the file and the object, counted
            from 1.
    """
    root = _parse_xml(content, source)
    rows = [
        (_box_xywh(element, f"{source}: object {number}"), no_landmarks(), False)
        for number, element in enumerate(root.findall("object"), start=1)
    ]
    return VocFile((root.findtext("filename") or "").strip(), rows, _size(root, source))


def read_voc_folder(annotations: Path, images: Path) -> list[FaceAnnotations]:
    """Read all `*.xml` in `annotations`, in the order of their names.

    The image of a file is the one in `images` with its stem, else with the stem of the name that it states: the
    extension stated is often that of an earlier format.

    Raises:
        FileNotFoundError: There are no XML files, or one has no image.
        ValueError: A file is broken, see `parse_voc`; an image has two files, or two images share a stem.
    """
    files = sorted(annotations.glob("*.xml"))
    if not files:
        raise FileNotFoundError(f"{annotations}: expected the XML files of Pascal VOC, got none; name another source")
    names = _images_by_stem(images)
    read: dict[str, FaceAnnotations] = {}
    for file in files:
        stated, rows, size = parse_voc(file.read_bytes(), str(file))
        image = names.get(file.stem) or names.get(PurePath(stated).stem)
        if image is None:
            raise FileNotFoundError(
                f"{file}: expected an image {file.stem}.* in {images}, got none; add it or remove the file"
            )
        if image in read:
            raise ValueError(
                f"{file}: expected each image once, got {image}, which {read[image].where} annotates; remove one file"
            )
        read[image] = assemble_faces(image, str(file), rows, stated_size=size)
    return list(read.values())


def find_voc_images(source: Path) -> Path:
    """The folder of images in `source`.

    Raises:
        FileNotFoundError: There is none.
    """
    for name in IMAGE_FOLDERS:
        if (source / name).is_dir():
            return source / name
    raise FileNotFoundError(
        f"{source}: expected the images in {' or '.join(IMAGE_FOLDERS)}, got neither; name their folder by --images"
    )


class _WithoutDoctype(ElementTree.TreeBuilder):
    """A builder that the parser tells of a DOCTYPE before it reads the entities inside."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        """As `TreeBuilder.doctype`."""
        raise ValueError(f"a DOCTYPE {name}")


def _parse_xml(content: bytes, source: str) -> ElementTree.Element:
    try:
        root = ElementTree.fromstring(content, ElementTree.XMLParser(target=_WithoutDoctype()))
    except (ElementTree.ParseError, LookupError, ValueError) as error:
        raise ValueError(f"{source}: expected plain XML, got {error}; {_REMEDY}") from error
    if root.tag != "annotation":
        raise ValueError(f"{source}: expected <annotation> as in Pascal VOC, got <{root.tag}>; {_REMEDY}")
    return root


def _size(root: ElementTree.Element, source: str) -> tuple[float, float] | None:
    element = root.find("size")
    if element is None:
        return None
    width, height = (_number(element, name, source, default="0") for name in ("width", "height"))
    return (width, height) if width > 0 and height > 0 else None


def _box_xywh(element: ElementTree.Element, where: str) -> list[float]:
    box = element.find("bndbox")
    if box is None:
        raise ValueError(f"{where}: expected a <bndbox>, got none; {_REMEDY}")
    x_min, y_min, x_max, y_max = (_number(box, name, where) for name in _CORNERS)
    if x_max < x_min or y_max < y_min:
        got = f"{x_min:g}, {y_min:g}, {x_max:g}, {y_max:g}"
        raise ValueError(f"{where}: expected xmin <= xmax and ymin <= ymax, got {got}; {_REMEDY}")
    return [x_min, y_min, x_max - x_min, y_max - y_min]


def _number(element: ElementTree.Element, name: str, where: str, *, default: str = "") -> float:
    text = element.findtext(name, default="").strip() or default
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"{where}: expected a finite number as <{name}>, got {text!r}; {_REMEDY}")
    return value


def _images_by_stem(folder: Path) -> dict[str, str]:
    names: dict[str, str] = {}
    for path in sorted(folder.iterdir() if folder.is_dir() else ()):
        if is_image_name(path):
            other = names.setdefault(path.stem, path.name)
            if other != path.name:
                raise ValueError(
                    f"{folder}: expected one image of each name, got {other} and {path.name}; remove one of them"
                )
    return names
