"""Files of faces with landmarks in the layout of RetinaFace's `label.txt`, annotated or predicted.

`# path` opens an image; each face is one row `x y w h`, five triples `x y flag`, and a last number, which is
a score in predictions. A flag of -1 says that the landmark is not annotated; a row may end after the box.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ultra_face.eval.image_names import ImageSetError, abbreviate
from ultra_face.eval.pairing import LandmarkFaces

NUM_LANDMARKS = 5
_BOX, _POINTS = 4, 3 * NUM_LANDMARKS
_LENGTHS = (_BOX, _BOX + _POINTS, _BOX + _POINTS + 1)


class LandmarkFileError(ValueError):
    """A file of faces with landmarks that breaks the layout."""


def read_landmark_file(path: str | Path) -> dict[str, LandmarkFaces]:
    """Read one file.

    Returns:
        For each image path as written, its faces; the score is the last number of a full row, else 1.

    Raises:
        LandmarkFileError: a row before the first image, a broken row, an image that comes twice, or no image.
    """
    rows: dict[str, list[list[float]]] = {}
    name = None
    for number, line in enumerate(Path(path).read_text(encoding="utf-8").splitlines(), start=1):
        if line.startswith("#"):
            name = line[1:].strip()
            if name in rows:
                raise LandmarkFileError(f"{path}:{number}: {name} comes a second time")
            rows[name] = []
        elif line.strip():
            if name is None:
                raise LandmarkFileError(f"{path}:{number}: expected '# path' of an image first, got {line.strip()!r}")
            rows[name].append(_row(f"{path}:{number}", line))
    if not rows:
        raise LandmarkFileError(f"{path}: holds no image; expected lines '# path', each followed by rows of faces")
    return {image: _faces(np.array(faces).reshape(-1, _LENGTHS[-1])) for image, faces in rows.items()}


def write_landmark_file(path: str | Path, faces: Mapping[str, LandmarkFaces]) -> None:
    """Write predictions, with every digit; landmarks that are not visible get -1."""
    lines = []
    for name, image in faces.items():
        flags = np.where(image.visible, 0.0, -1.0)
        points = np.where(image.visible[..., None], image.landmarks, -1.0)
        triples = np.concatenate([points, flags[..., None]], axis=2).reshape(len(image.scores), _POINTS)
        rows = np.hstack([image.boxes_xywh, triples, image.scores[:, None]])
        lines += [f"# {name}", *(" ".join(row) for row in rows.astype(str))]
    Path(path).write_text("\n".join([*lines, ""]), encoding="utf-8")


def select_images(
    faces: Mapping[str, LandmarkFaces], images: list[str] | None, *, source: str
) -> dict[str, LandmarkFaces]:
    """Faces of the named images, or of all.

    Raises:
        ImageSetError: the source has no such image.
    """
    absent = [] if images is None else [name for name in images if name not in faces]
    if absent:
        raise ImageSetError(f"{source}: lacks {len(absent)} images: {abbreviate(absent)}")
    return dict(faces) if images is None else {name: faces[name] for name in images}


def _row(where: str, line: str) -> list[float]:
    try:
        values = [float(value) for value in line.split()]
    except ValueError:
        values = []
    if len(values) not in _LENGTHS or not np.isfinite(values).all():
        raise LandmarkFileError(
            f"{where}: expected x y w h, five triples x y flag and a score ({_LENGTHS[0]}, {_LENGTHS[1]} or "
            f"{_LENGTHS[2]} numbers), got {line.strip()!r}"
        )
    return (values + [-1.0] * _POINTS)[: _BOX + _POINTS] + (values[_BOX + _POINTS :] or [1.0])


def _faces(rows: NDArray[np.float64]) -> LandmarkFaces:
    triples = rows[:, _BOX : _BOX + _POINTS].reshape(-1, NUM_LANDMARKS, 3)
    return LandmarkFaces(rows[:, :_BOX], triples[..., :2], triples[..., 2] >= 0, rows[:, -1])
