"""Box sizes of a YOLO data set at the training image size: the long side of every image is scaled to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from ultra_face.data.image_store import read_image
from ultra_face.data.yolo_pose import label_file, read_boxes
from ultra_face.formats.annotation import FloatArray
from ultra_face.formats.image_files import find_images, is_image_name
from ultra_face.text_files import read_text

Progress = Callable[[Sequence[Path]], Iterable[Path]]


def scale_to_training(wh: FloatArray, *, width: int, height: int, training_size: int) -> FloatArray:
    """Scale normalised box sizes (N, 2) of a `width` x `height` image to pixels (N, 2) at `training_size`."""
    scaled: FloatArray = wh * np.array([width, height]) * (training_size / max(width, height))
    return scaled


def read_box_sizes(images: Sequence[Path], *, training_size: int, progress: Progress = iter) -> FloatArray:
    """Widths and heights (N, 2) [px at `training_size`] of all boxes labelled in `images`.

    Images without a label file, or that are missing or do not decode, count as images without boxes, as they do in
    training.

    Raises:
        ValueError: A label file is broken.
    """
    sizes = [np.zeros((0, 2))]
    for image in progress(images):
        boxes_cxcywh = read_boxes(label_file(image))
        pixels = read_image(image) if len(boxes_cxcywh) else None
        if pixels is not None:
            height, width = pixels.shape[:2]
            sizes.append(
                scale_to_training(boxes_cxcywh[:, 2:], width=width, height=height, training_size=training_size)
            )
    return np.concatenate(sizes)


def list_images(locations: Iterable[str | Path]) -> list[Path]:
    """All images below folders, and those that text files list one a line, as training finds them.

    A line that starts with `./` is relative to the text file, any other as it stands. Lines that do not end as image
    files do are left out.

    Raises:
        FileNotFoundError: A location does not exist, or there is no image in any of them.
        ValueError: A list is not in UTF-8.
    """
    images: list[Path] = []
    for location in map(Path, locations):
        if location.is_dir():
            images += find_images(location)
        elif location.is_file():
            images += _listed_images(location)
        else:
            raise FileNotFoundError(f"{location}: expected a folder of images or a list of images, got nothing there")
    if not images:
        raise FileNotFoundError(f"expected images in {', '.join(map(str, locations))}, got none")
    return images


def _listed_images(list_file: Path) -> list[Path]:
    lines = filter(is_image_name, read_text(list_file).strip().splitlines())
    return [list_file.parent / line if line.startswith("./") else Path(line) for line in lines]
