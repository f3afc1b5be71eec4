"""Images in memory with their faces, and new training sets made of those of a prepared data set.

As in `prepare`, a second run changes nothing, and a run after an interruption completes the first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2

from ultra_face.data.cleaning import CleanedFaces, clean_faces
from ultra_face.data.prepare import FACE_ALONE, SplitReport, data_yaml, describe_training_set, foreign_images
from ultra_face.files.whole import write_file
from ultra_face.formats.annotation import FaceAnnotations
from ultra_face.formats.files import claimed, staged
from ultra_face.formats.image_files import Pixels, find_images, read_image
from ultra_face.formats.yaml_files import read_yaml
from ultra_face.formats.yolo_pose import RowLayout, format_labels, label_file, read_faces, read_layout

SPLIT = "train"

Progress = Callable[[Sequence[Any]], Iterable[Any]]


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


def class_names(dataset: Path) -> dict[int, str]:
    """Names of the classes of a prepared data set by their numbers, out of its `data.yaml`; without it, faces alone.

    Raises:
        ValueError: The file is broken, or its `names` are no list or mapping of names.
    """
    file = dataset / "data.yaml"
    if not file.is_file():
        return dict(FACE_ALONE)
    content = read_yaml(file, "a data YAML")
    names = content.get("names") if isinstance(content, dict) else None
    if isinstance(names, list):
        names = dict(enumerate(names))
    if not isinstance(names, dict) or not names or not all(isinstance(number, int) for number in names):
        raise ValueError(f"{file}: expected `names:` with the name of each class, got {names!r}; correct it")
    return {number: str(name) for number, name in names.items()}


def list_training_images(dataset: Path) -> list[str]:
    """Paths of the training images of a prepared data set below its `images/train`, sorted.

    Raises:
        FileNotFoundError: There are none.
    """
    folder = dataset / "images" / SPLIT
    images = sorted(path.relative_to(folder).as_posix() for path in find_images(folder))
    if not images:
        raise FileNotFoundError(f"{folder}: expected images, got none; run `ultra-face prepare` first")
    return images


def label_layout(dataset: Path, images: Iterable[str]) -> RowLayout:
    """The layout of the labels of training images: the fullest one where label files differ.

    Raises:
        FileNotFoundError: No image has a label file.
        ValueError: A label file is broken.
    """
    folder = dataset / "images" / SPLIT
    files = [file for image in images if (file := label_file(folder / image)).is_file()]
    if not files:
        raise FileNotFoundError(
            f"{folder}: expected label files such as {label_file(folder / 'NAME.jpg')}, got none; prepare the data set "
            "again"
        )
    return max(map(read_layout, files))


def write_training_set(
    output: Path,
    origin: Mapping[str, object],
    images: Iterable[LabelledImage],
    *,
    layout: RowLayout = RowLayout.VISIBILITY,
    classes: Mapping[int, str] = FACE_ALONE,
) -> str:
    """Write a data set that has `images` for training and nothing to validate on.

    Args:
        output: Folder of the data set: new, empty, or of an earlier run with the same `origin`.
        origin: What the images are made from, see `claimed`.
        images: The images; their names end in `.jpg`.
        layout: Of the label files, so that they can be trained on together with those of the images' source.
        classes: Names of the classes by their numbers.

    Returns:
        One line: what was written, and how to use it.

    Raises:
        FileExistsError: `output` holds files of another origin.
        OutputError: The disk is full or `output` is not writable; finished files stay valid, and running
            again goes on.
        ValueError: A face is of a class without name.
    """
    report, names = SplitReport(), set()
    with claimed(output, origin) as claim:
        for image in images:
            claim.check()
            if nameless := set(image.faces.class_numbers.tolist()) - classes.keys():
                where, number = image.faces.where, min(nameless)
                raise ValueError(f"{where}: expected a class of {dict(classes)}, got {number}; name it in data.yaml")
            cleaned, written = write_labelled_image(image, output, SPLIT, layout=layout)
            report.add(cleaned, written=written)
            names.add(f"{SPLIT}/{image.faces.image}")
        claim.publish(output / "images" / SPLIT)
        write_file(output / "data.yaml", data_yaml([SPLIT], layout, classes).encode())
    return describe_training_set(report, output / "images" / SPLIT, foreign_images(names, output))
