"""Box sizes of a YOLO data set at the training image size: the long side of every image is scaled to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from ultra_face.data.annotation import FloatArray
from ultra_face.data.image_store import image_size
from ultra_face.data.label_text import IMAGE_SUFFIXES
from ultra_face.data.yolo_pose import read_labels

Progress = Callable[[Sequence[Path]], Iterable[Path]]


def scale_to_training(wh: FloatArray, *, width: int, height: int, training_size: int) -> FloatArray:
    """Scale normalised box sizes (N, 2) of a `width` x `height` image to pixels (N, 2) at `training_size`."""
    scaled: FloatArray = wh * np.array([width, height]) * (training_size / max(width, height))
    return scaled


def read_box_sizes(images: Sequence[Path], *, training_size: int, progress: Progress = iter) -> FloatArray:
    """Widths and heights (N, 2) [px at `training_size`] of all boxes labelled in `images`.

    The labels are looked up as Ultralytics does, in `labels` instead of the last `images` of the path. Images
    without a label file, or that do not decode, count as images without boxes, as they do in training.

    Raises:
        ValueError: A label file is broken.
    """
    sizes = [np.zeros((0, 2))]
    for image in progress(images):
        labels = label_file(image)
        shape = image_size(image.read_bytes()) if labels.is_file() else None
        if shape is not None:
            boxes_cxcywh, _ = read_labels(labels)
            sizes.append(
                scale_to_training(boxes_cxcywh[:, 2:], width=shape[0], height=shape[1], training_size=training_size)
            )
    return np.concatenate(sizes)


def label_file(image: Path) -> Path:
    """The label file of an image: `.txt` below `labels` in place of the last folder called `images`."""
    parts = list(image.parts)
    for index in reversed(range(len(parts) - 1)):
        if parts[index] == "images":
            parts[index] = "labels"
            break
    return Path(*parts).with_suffix(".txt")


def list_images(locations: Iterable[str | Path]) -> list[Path]:
    """All images below folders, and those that text files name one a line (relative to the text file).

    Raises:
        FileNotFoundError: A location does not exist, or there is no image in any of them.
    """
    images: list[Path] = []
    for location in map(Path, locations):
        if location.is_dir():
            images += sorted(path for path in location.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES)
        elif location.is_file():
            lines = location.read_text(encoding="utf-8").splitlines()
            images += [location.parent / line.strip() for line in lines if line.strip()]
        else:
            raise FileNotFoundError(f"{location}: expected a folder of images or a list of images, got nothing there")
    if not images:
        raise FileNotFoundError(f"expected images in {', '.join(map(str, locations))}, got none")
    return images
