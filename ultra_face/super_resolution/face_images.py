"""Images of a prepared data set that crops of faces can be cut from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ultra_face.formats.annotation import FloatArray
from ultra_face.formats.image_files import image_size, read_image
from ultra_face.formats.yolo_pose import label_file, read_labels
from ultra_face.super_resolution.degrade import Pixels

Progress = Callable[[Sequence[Path]], Iterable[Path]]

_REMEDY = "prepare the data set again"


@dataclass(frozen=True, eq=False)
class FaceImage:
    """An image that crops can be cut from.

    Attributes:
        path: the file.
        size: width and height [px].
        boxes_cxcywh: (N, 4) all labelled faces, normalised by the size.
        landmarks: (N, 5, 3) x, y, v, normalised by the size.
        large: (M,) indices of the faces that are large enough to cut a crop about.
    """

    path: Path
    size: tuple[int, int]
    boxes_cxcywh: FloatArray
    landmarks: FloatArray
    large: Sequence[int]


def find_images(paths: Sequence[Path], *, tile: int, min_face: float, progress: Progress = iter) -> list[FaceImage]:
    """The images that are at least as large as a crop, with their faces; at least one of them has a large face.

    Args:
        paths: image files, their labels where Ultralytics looks for them.
        tile: side of a crop [px].
        min_face: smallest face, the longer side of its box [px].
        progress: wraps the paths, to show how far the work is.

    Raises:
        FileNotFoundError: an image does not exist.
        ValueError: a file does not decode as an image, a label file is broken, or no image or no face is large enough.
    """
    images = [image for path in progress(paths) if min((image := _read_faces(path, min_face)).size) >= tile]
    if not images:
        raise ValueError(
            f"expected images of at least {tile} x {tile} px, got none in {len(paths)}; choose a smaller tile"
        )
    if not any(image.large for image in images):
        raise ValueError(
            f"expected faces of at least {min_face:g} px in images of at least {tile} px, got none "
            f"in {len(images)}; choose a smaller size, or another data set"
        )
    return images


def read_pixels(path: Path) -> Pixels:
    """Decode an image as RGB (H, W, 3), turned as its EXIF says.

    Raises:
        ValueError: the file is damaged.
    """
    bgr = read_image(path)
    if bgr is None:
        raise _damaged(path)
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), dtype=np.uint8)


def _read_faces(path: Path, min_face: float) -> FaceImage:
    """Size and labels; every image is decoded once, so that a damaged one does not end a training half-way."""
    try:
        size = image_size(path.read_bytes(), path)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{path}: expected an image, got no file; {_REMEDY}") from error
    if size is None:
        raise _damaged(path)
    boxes, landmarks = read_labels(label_file(path))
    longer = (boxes[:, 2:] * size).max(axis=1, initial=0.0)
    return FaceImage(path, size, boxes, landmarks, np.flatnonzero(longer >= min_face).tolist())


def _damaged(path: Path) -> ValueError:
    return ValueError(f"{path}: expected an image, got a file that does not decode; {_REMEDY}")
