"""RetinaFace's layout of faces with landmarks, annotated or predicted: `# path` opens an image, then a row is a face.

The row's length tells what it holds: with landmarks 20 values (`x y w h`, five `x y flag`, and a score; 19 without
it), boxes only 4 values or the 10 of the official WIDER FACE lists. Flags: 0 visible, 1 occluded, -1 missing.
Source: the annotations published with RetinaFace (Deng et al. 2019).

A header `# path width height` is that of SCRFD's `labelv2.txt` (Guo et al. 2021): rows then start with the corners
`x1 y1 x2 y2` in an image of that size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ultra_face.faces import Faces
from ultra_face.files.whole import write_file
from ultra_face.formats.annotation import (
    NUM_LANDMARKS,
    WIDER_ROW_LENGTH,
    FaceAnnotations,
    FaceRow,
    assemble_faces,
    is_image_path,
    no_landmarks,
    parse_numbers,
    wider_face_row,
)
from ultra_face.formats.files import read_text

_BOX_LENGTH = 4
_LANDMARK_ROW_LENGTH = _BOX_LENGTH + 3 * NUM_LANDMARKS
_VISIBILITY = {0.0: 2.0, 1.0: 1.0, -1.0: 0.0}
_FLAG_OF_VISIBILITY = np.array([-1.0, 1.0, 0.0])

BoxReader = Callable[[Sequence[float], str], list[float]]
"""From the first four values of a row, and where it stands, to x y w h."""

_VISIBLE = 2.0


@dataclass(frozen=True)
class _Block:
    """An image, the size that its header states, how its boxes are read, and its rows so far."""

    image: str
    where: str
    stated_size: tuple[float, float] | None
    read_box: BoxReader
    rows: list[FaceRow] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)

    def add(self, line: str, where: str) -> None:
        values = parse_numbers(line, where)
        values[:_BOX_LENGTH] = self.read_box(values[:_BOX_LENGTH], where)
        self.rows.append(_parse_row(values, where))
        self.scores.append(values[-1] if len(values) == _LANDMARK_ROW_LENGTH + 1 else 1.0)

    def faces(self) -> FaceAnnotations:
        return assemble_faces(self.image, self.where, self.rows, scores=self.scores, stated_size=self.stated_size)


def parse_retinaface(text: str, source: str) -> list[FaceAnnotations]:
    """Parse a whole file; `source` names it in errors. The score of a row that states none is 1.

    Raises:
        ValueError: With `source:line`, what was expected and what came; an image that is listed twice as
            well.
    """
    blocks: dict[str, _Block] = {}
    block = None
    for number, line in enumerate(text.splitlines(), start=1):
        where = f"{source}:{number}"
        if line.startswith("#"):
            block = _parse_header(line, where)
            if block.image in blocks:
                raise ValueError(f"{where}: expected each image once, got {block.image} again; remove one of the two")
            blocks[block.image] = block
        elif line.strip():
            if block is None:
                raise ValueError(
                    f"{where}: expected '# path of an image' before the first face, got {line.strip()!r}; add the line"
                )
            block.add(line, where)
    return [block.faces() for block in blocks.values()]


def format_retinaface(images: Iterable[FaceAnnotations]) -> str:
    """Text of a file with every digit of boxes, landmarks and scores; a missing landmark is -1 -1 -1."""
    lines = []
    for faces in images:
        visibility = faces.landmarks[..., 2]
        points = np.where(visibility[..., None] > 0, faces.landmarks[..., :2], -1.0)
        flags = _FLAG_OF_VISIBILITY[visibility.astype(int)]
        triples = np.concatenate([points, flags[..., None]], axis=2).reshape(len(faces), 3 * NUM_LANDMARKS)
        scores = np.ones(len(faces)) if faces.scores is None else faces.scores
        rows = np.hstack([faces.boxes_xywh, triples, scores[:, None]])
        lines += [f"# {faces.image}", *(" ".join(row) for row in rows.astype(str))]
    return "\n".join([*lines, ""])


def _parse_header(line: str, where: str) -> _Block:
    image = line[1:].strip()
    if is_image_path(image):
        return _Block(image, where, None, _box_as_written)
    image, *words = image.rsplit(maxsplit=2) or [""]
    if is_image_path(image) and len(words) == 2 and all(word.isdecimal() for word in words):
        width, height = map(float, words)
        return _Block(image, where, (width, height) if width and height else None, _box_of_corners)
    raise ValueError(f"{where}: expected '# path of an image', got {line!r}; correct the line")


def _box_as_written(values: Sequence[float], where: str) -> list[float]:
    return list(values)


def _box_of_corners(values: Sequence[float], where: str) -> list[float]:
    if len(values) < _BOX_LENGTH:
        return list(values)
    x1, y1, x2, y2 = values
    if x2 < x1 or y2 < y1:
        raise ValueError(
            f"{where}: expected corners x1 y1 x2 y2, as in SCRFD's labelv2.txt below '# path width height', got "
            f"{x1:g} {y1:g} {x2:g} {y2:g}; correct the row, or leave width and height out above boxes x y w h"
        )
    return [x1, y1, x2 - x1, y2 - y1]


def _parse_row(values: Sequence[float], where: str) -> FaceRow:
    if len(values) in (_LANDMARK_ROW_LENGTH, _LANDMARK_ROW_LENGTH + 1):
        landmarks = _parse_landmarks(values[_BOX_LENGTH:_LANDMARK_ROW_LENGTH], where)
        return list(values[:_BOX_LENGTH]), landmarks, False
    if len(values) == WIDER_ROW_LENGTH:
        return wider_face_row(values, where)
    if len(values) == _BOX_LENGTH:
        return list(values), no_landmarks(), False
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


class LandmarkFileError(ValueError):
    """A file of faces with landmarks that breaks the layout."""


def read_annotated_faces(path: str | Path) -> dict[str, FaceAnnotations]:
    """Read one file: the faces of each image, by its path as written.

    Raises:
        LandmarkFileError: the file breaks the layout, an image comes twice, or there is no image.
    """
    try:
        images = parse_retinaface(read_text(path), str(path))
    except ValueError as error:
        raise LandmarkFileError(str(error)) from error
    if not images:
        raise LandmarkFileError(f"{path}: holds no image; expected lines '# path', each followed by rows of faces")
    return {faces.image: faces for faces in images}


def read_detected_faces(path: str | Path) -> dict[str, Faces]:
    """As `read_annotated_faces`, of predictions: a missing landmark is (0, 0), a missing score 1."""
    return {image: _detected(faces) for image, faces in read_annotated_faces(path).items()}


def write_detected_faces(path: str | Path, images: Mapping[str, Faces]) -> None:
    """Write predictions, with every digit; landmarks that are NaN get -1."""
    text = format_retinaface(_annotated(name, faces) for name, faces in images.items())
    write_file(Path(path), text.encode())


def _detected(faces: FaceAnnotations) -> Faces:
    left_top = faces.boxes_xywh[:, :2]
    corners = np.concatenate([left_top, left_top + faces.boxes_xywh[:, 2:]], axis=1)
    scores = np.ones(len(faces)) if faces.scores is None else faces.scores
    return Faces(corners, faces.landmarks[..., :2], scores)


def _annotated(name: str, faces: Faces) -> FaceAnnotations:
    known = np.isfinite(faces.landmarks).all(axis=2, keepdims=True)
    landmarks = np.where(known, np.concatenate([faces.landmarks, np.full(known.shape, _VISIBLE)], axis=2), 0.0)
    invalid = np.zeros(len(faces), np.bool_)
    return FaceAnnotations(name, name, faces.boxes_xywh, landmarks, invalid, faces.scores.astype(np.float64))
