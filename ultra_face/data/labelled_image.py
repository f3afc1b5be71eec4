"""An image in memory with its faces: how it is read from a prepared data set, and how one is written into it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2

from ultra_face.data.annotation import CleanedFaces, clean_faces
from ultra_face.data.image_store import Pixels, read_image
from ultra_face.data.output_folder import staged, write_file
from ultra_face.data.yolo_pose import RowLayout, format_labels, label_file, read_faces
from ultra_face.formats.annotation import FaceAnnotations


@dataclass(frozen=True, eq=False)
class LabelledImage:
    """Pixels (H, W, 3), BGR, and the faces [px] in them; `faces.image` is the path below the split's folder."""

    pixels: Pixels
    faces: FaceAnnotations


def read_labelled_image(dataset: Path, split: str, image: str) -> LabelledImage:
    """Read `images/<split>/<image>` of a data set and its labels; without label file it has no faces, as in training.

    Raises:
        ValueError: The image does not decode, or its label file is broken.
    """
    path = dataset / "images" / split / image
    pixels = read_image(path)
    if pixels is None:
        raise ValueError(f"{path}: expected an image, got a file that does not decode; prepare the data set again")
    height, width = pixels.shape[:2]
    return LabelledImage(pixels, read_faces(label_file(path), image, width=width, height=height))


def write_labelled_image(
    image: LabelledImage,
    output: Path,
    split: str,
    *,
    jpeg_quality: int = 95,
    layout: RowLayout = RowLayout.VISIBILITY,
) -> tuple[CleanedFaces, bool]:
    """Write the JPEG file and, before it, the label file of an image whose name ends in `.jpg`.

    Returns:
        The faces that were written, and whether anything was: False where both files already are as they should.

    Raises:
        OutputError: The disk is full or `output` is not writable.
    """
    height, width = image.pixels.shape[:2]
    cleaned = clean_faces(image.faces, width=width, height=height)
    label_text = format_labels(cleaned.faces, width=width, height=height, layout=layout)
    written = write_file(label_file(output / "images" / split / image.faces.image), label_text.encode())
    jpeg = cv2.imencode(".jpg", image.pixels, [cv2.IMWRITE_JPEG_QUALITY, jpeg_quality])[1]
    written |= write_file(staged(output / "images" / split) / image.faces.image, jpeg.tobytes())
    return cleaned, written
