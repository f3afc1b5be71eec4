"""Parser of RetinaFace-style `label.txt`: a line `# path` an image, then one row a face.

The row's length tells its layout: with landmarks 20 values (`x y w h`, five `x y flag`, a score that is not
used; 19 without it), boxes only 4 values or the 10 of the official WIDER FACE lists. Flags: 0 visible, 1
occluded, -1 missing. Source: the annotations published with RetinaFace (Deng et al. 2019).
"""

from __future__ import annotations

from collections.abc import Sequence

from ultra_face.data.annotation import NUM_LANDMARKS, FaceAnnotations
from ultra_face.data.label_text import (
    WIDER_ROW_LENGTH,
    FaceRow,
    assemble_faces,
    is_image_path,
    no_landmarks,
    parse_numbers,
    wider_face_row,
)

_BOX_LENGTH = 4
_LANDMARK_ROW_LENGTH = _BOX_LENGTH + 3 * NUM_LANDMARKS
_VISIBILITY = {0.0: 2.0, 1.0: 1.0, -1.0: 0.0}


def parse_retinaface(text: str, source: str) -> list[FaceAnnotations]:
    """Parse a whole `label.txt`; `source` names it in errors.

    Raises:
        ValueError: With `source:line`, what was expected and what came; an image that is listed twice as
            well.
    """
    headers: dict[str, str] = {}
    rows: dict[str, list[FaceRow]] = {}
    image = ""
    for number, line in enumerate(text.splitlines(), start=1):
        where = f"{source}:{number}"
        if line.startswith("#"):
            image = line[1:].strip()
            if not is_image_path(image):
                raise ValueError(f"{where}: expected '# path of an image', got {line!r}; correct the line")
            if image in rows:
                raise ValueError(f"{where}: expected each image once, got {image} again; remove one of the two")
            headers[image], rows[image] = where, []
        elif line.strip():
            if not rows:
                raise ValueError(f"{where}: expected '# path of an image' before the first face, got {line!r}")
            rows[image].append(_parse_row(line, where))
    return [assemble_faces(name, headers[name], rows[name]) for name in rows]


def _parse_row(line: str, where: str) -> FaceRow:
    values = parse_numbers(line, where)
    if len(values) in (_LANDMARK_ROW_LENGTH, _LANDMARK_ROW_LENGTH + 1):
        return values[:_BOX_LENGTH], _parse_landmarks(values[_BOX_LENGTH:_LANDMARK_ROW_LENGTH], where), False
    if len(values) == WIDER_ROW_LENGTH:
        return wider_face_row(values, where)
    if len(values) == _BOX_LENGTH:
        return values, no_landmarks(), False
    raise ValueError(
        f"{where}: expected 20 or 19 values (x y w h and five x y flag), 10 or 4 (no landmarks), "
        f"got {len(values)}; correct or remove the line"
    )


def _parse_landmarks(values: Sequence[float], where: str) -> list[list[float]]:
    landmarks = []
    for x, y, flag in zip(values[0::3], values[1::3], values[2::3], strict=True):
        if flag not in _VISIBILITY:
            raise ValueError(f"{where}: expected landmark flags -1, 0 or 1, got {flag:g}; correct or remove the line")
        visibility = _VISIBILITY[flag]
        landmarks.append([x, y, visibility] if visibility else [0.0, 0.0, 0.0])
    return landmarks
