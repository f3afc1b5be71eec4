"""WIDER FACE's names of images, and its official box lists, `wider_face_{train,val}_bbx_gt.txt`.

A name is `event/name`, without folder prefix and without image suffix. The suffix is cut as a whole:
`str.rstrip(".jpg")`, as common scripts do it, strips a *set of characters* and turns `rally_pj.jpg` into `rally_`.

A list has, per image, its path, the number of faces, then one row of ten values a face. Source: the readme in
`wider_face_split.zip`. Quirk: an image without faces states 0 or 1 faces and has one row of zeros.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path, PurePosixPath

from ultra_face.formats.annotation import (
    WIDER_ROW_LENGTH,
    FaceAnnotations,
    FaceRow,
    assemble_faces,
    is_image_path,
    parse_numbers,
    wider_face_row,
)
from ultra_face.formats.files import read_text
from ultra_face.formats.image_files import IMAGE_SUFFIXES

_SHOWN = 5
_NO_FACE = ["0"] * WIDER_ROW_LENGTH


class ImageSetError(ValueError):
    """The images of two sets differ, or an image name cannot be read."""


def strip_image_suffix(name: str) -> str:
    """`a.b.jpg` -> `a.b`; a name without image suffix stays as it is."""
    for suffix in IMAGE_SUFFIXES:
        if name.lower().endswith(suffix):
            return name[: -len(suffix)]
    return name


def image_name(path: str) -> str:
    """`any/prefix/0--Parade/0_Parade_1.jpg` -> `0--Parade/0_Parade_1`.

    Raises:
        ImageSetError: the path has no event folder, or leaves the folder of the events.
    """
    parts = PurePosixPath(path.replace("\\", "/")).parts
    if len(parts) < 2 or parts[-2].startswith("/"):
        raise ImageSetError(f"{path!r}: expected event/name, got no event folder")
    if ".." in parts[-2:]:
        raise ImageSetError(f"{path!r}: expected event/name, got a path that leaves the folder of the events")
    return f"{parts[-2]}/{strip_image_suffix(parts[-1])}"


def read_image_list(path: str | Path) -> tuple[str, ...]:
    """Names in a text file with one image path a line; blank lines are skipped, order is kept.

    Raises:
        ImageSetError: the file holds no image, a line has no event folder, or an image is listed twice.
    """
    try:
        names = tuple(image_name(line) for line in read_lines(path))
    except ImageSetError as error:
        raise ImageSetError(f"{path}: {error}; write one event/name a line") from error
    if not names:
        raise ImageSetError(f"{path}: expected one image (event/name) a line, got an empty list")
    repeated = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if repeated:
        raise ImageSetError(f"{path}: {abbreviate(repeated)} listed more than once")
    return names


def read_lines(path: str | Path) -> list[str]:
    """Lines of a text file without surrounding blanks; blank lines are skipped."""
    return [line.strip() for line in read_text(path).splitlines() if line.strip()]


def check_same_images(
    expected: Iterable[str],
    found: Mapping[str, object],
    *,
    allow_missing: bool = False,
    allow_extra: bool = False,
) -> None:
    """Compare the images that have ground truth with those that have predictions.

    Args:
        expected: names that have ground truth.
        found: predictions by name.
        allow_missing: accept images without predictions.
        allow_extra: accept predictions for images without ground truth.

    Raises:
        ImageSetError: lists the first names of each difference that is not allowed, and how many there are.
    """
    known = set(expected)
    missing = [] if allow_missing else sorted(known - found.keys())
    extra = [] if allow_extra else sorted(found.keys() - known)
    if missing:
        raise ImageSetError(
            f"no predictions for {len(missing)} of {len(known)} images: {abbreviate(missing)}; write a "
            "result file with count 0 where nothing was found, or score missing images as empty with --allow-missing"
        )
    if extra:
        raise ImageSetError(
            f"predictions for {len(extra)} images that exist in no event of the ground truth: "
            f"{abbreviate(extra)}; remove them, or leave extra images out with --allow-extra"
        )


def abbreviate(names: Collection[str]) -> str:
    """The first few names, and how many more there are."""
    shown = ", ".join(list(names)[:_SHOWN])
    return shown if len(names) <= _SHOWN else f"{shown} and {len(names) - _SHOWN} more"


def parse_widerface(text: str, source: str) -> list[FaceAnnotations]:
    """Parse a whole box list; `source` names it in errors. The lists carry no landmarks.

    Raises:
        ValueError: With `source:line`, what was expected and what came.
    """
    lines = text.rstrip().splitlines()
    images: dict[str, FaceAnnotations] = {}
    cursor = 0
    while cursor < len(lines):
        image, where = lines[cursor].strip(), f"{source}:{cursor + 1}"
        if not is_image_path(image):
            raise ValueError(
                f"{where}: expected the path of an image, got {image!r}; "
                "check the line and the number of faces stated for the image above it"
            )
        if image in images:
            raise ValueError(f"{where}: expected each image once, got {image} again; remove one of the two")
        count = _parse_count(lines, cursor + 1, source)
        first_row = cursor + 2
        if first_row < len(lines) and lines[first_row].split() == _NO_FACE and count <= 1:
            rows, cursor = [], first_row + 1
        else:
            rows = [_parse_row(lines, index, source) for index in range(first_row, first_row + count)]
            cursor = first_row + count
        images[image] = assemble_faces(image, where, rows)
    return list(images.values())


def _line(lines: list[str], index: int, source: str, expected: str) -> str:
    if index >= len(lines):
        raise ValueError(f"{source}:{index + 1}: expected {expected}, got the end of the file; fetch the file again")
    return lines[index].strip()


def _parse_count(lines: list[str], index: int, source: str) -> int:
    line = _line(lines, index, source, "the number of faces")
    if not line.isdecimal():
        raise ValueError(f"{source}:{index + 1}: expected the number of faces, got {line!r}; fetch the file again")
    return int(line)


def _parse_row(lines: list[str], index: int, source: str) -> FaceRow:
    where = f"{source}:{index + 1}"
    line = _line(lines, index, source, f"{WIDER_ROW_LENGTH} values of a face")
    values = parse_numbers(line, where)
    if len(values) != WIDER_ROW_LENGTH:
        raise ValueError(
            f"{where}: expected {WIDER_ROW_LENGTH} values (x y w h and six attributes), got {len(values)}; "
            "correct the line or the number of faces stated above it"
        )
    return wider_face_row(values, where)
