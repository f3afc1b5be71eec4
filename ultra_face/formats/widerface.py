"""Parser of the official WIDER FACE box lists, `wider_face_{train,val}_bbx_gt.txt`.

Per image: its path, the number of faces, then one row of ten values a face. Source: the readme in
`wider_face_split.zip`. Quirk: an image without faces states 0 or 1 faces and has one row of zeros.
"""

from __future__ import annotations

from ultra_face.formats.annotation import FaceAnnotations
from ultra_face.formats.label_text import (
    WIDER_ROW_LENGTH,
    FaceRow,
    assemble_faces,
    is_image_path,
    parse_numbers,
    wider_face_row,
)

_NO_FACE = ["0"] * WIDER_ROW_LENGTH


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
