"""New training images made of those of a prepared data set: what reads the old, and what writes the new.

As in `prepare`, a second run changes nothing, and a run after an interruption completes the first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ultra_face.data.labelled_image import LabelledImage, write_labelled_image
from ultra_face.data.output_folder import claim_folder, publish, write_file
from ultra_face.data.prepare import data_yaml, foreign_images
from ultra_face.data.report import SplitReport, describe_training_set
from ultra_face.data.yolo_pose import RowLayout, label_file, read_layout
from ultra_face.formats.image_files import find_images

SPLIT = "train"

Progress = Callable[[Sequence[Any]], Iterable[Any]]


def list_training_images(dataset: Path) -> list[str]:
    """Paths of the training images of a prepared data set below its `images/train`, sorted.

    Raises:
        FileNotFoundError: There are none.
    """
    folder = dataset / "images" / SPLIT
    images = sorted(path.relative_to(folder).as_posix() for path in find_images(folder))
    if not images:
        raise FileNotFoundError(f"{folder}: expected images, got none; run tools/prepare_widerface.py first")
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
) -> str:
    """Write a data set that has `images` for training and nothing to validate on.

    Args:
        output: Folder of the data set: new, empty, or of an earlier run with the same `origin`.
        origin: What the images are made from, see `claim_folder`.
        images: The images; their names end in `.jpg`.
        layout: Of the label files, so that they can be trained on together with those of the images' source.

    Returns:
        One line: what was written, and how to use it.

    Raises:
        FileExistsError: `output` holds files of another origin.
        OutputError: The disk is full or `output` is not writable; finished files stay valid, and running
            again goes on.
    """
    claim_folder(output, origin)
    report, names = SplitReport(), set()
    for image in images:
        cleaned, written = write_labelled_image(image, output, SPLIT, layout=layout)
        report.add(cleaned, written=written)
        names.add(f"{SPLIT}/{image.faces.image}")
    publish(output / "images" / SPLIT)
    write_file(output / "data.yaml", data_yaml([SPLIT], layout).encode())
    return describe_training_set(report, output / "images" / SPLIT, foreign_images(names, output))
