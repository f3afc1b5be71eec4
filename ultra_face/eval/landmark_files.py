"""Files of faces with landmarks, annotated or predicted, in RetinaFace's layout, see `formats.retinaface`.

The last number of a row is a score in predictions.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ultra_face.eval.image_names import ImageSetError, abbreviate
from ultra_face.eval.pairing import LandmarkFaces
from ultra_face.formats.annotation import FaceAnnotations
from ultra_face.formats.retinaface import format_retinaface, parse_retinaface
from ultra_face.text_files import read_text

_VISIBLE = 2.0


class LandmarkFileError(ValueError):
    """A file of faces with landmarks that breaks the layout."""


def read_landmark_file(path: str | Path) -> dict[str, LandmarkFaces]:
    """Read one file.

    Returns:
        For each image path as written, its faces; a missing landmark is (0, 0), a missing score 1.

    Raises:
        LandmarkFileError: the file breaks the layout, an image comes twice, or there is no image.
    """
    try:
        images = parse_retinaface(read_text(path), str(path))
    except ValueError as error:
        raise LandmarkFileError(str(error)) from error
    if not images:
        raise LandmarkFileError(f"{path}: holds no image; expected lines '# path', each followed by rows of faces")
    return {faces.image: _landmark_faces(faces) for faces in images}


def write_landmark_file(path: str | Path, faces: Mapping[str, LandmarkFaces]) -> None:
    """Write predictions, with every digit; landmarks that are not visible get -1."""
    text = format_retinaface(_annotations(name, image) for name, image in faces.items())
    Path(path).write_text(text, encoding="utf-8")


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


def _landmark_faces(faces: FaceAnnotations) -> LandmarkFaces:
    scores = np.ones(len(faces)) if faces.scores is None else faces.scores
    return LandmarkFaces(faces.boxes_xywh, faces.landmarks[..., :2], faces.landmarks[..., 2] > 0, scores)


def _annotations(name: str, faces: LandmarkFaces) -> FaceAnnotations:
    visibility = np.where(faces.visible, _VISIBLE, 0.0)
    landmarks = np.concatenate([faces.landmarks, visibility[..., None]], axis=2)
    invalid = np.zeros(len(faces.scores), np.bool_)
    return FaceAnnotations(name, name, faces.boxes_xywh, landmarks, invalid, faces.scores)
