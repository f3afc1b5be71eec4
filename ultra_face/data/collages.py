"""Collages of small photographs: a grid of cells with one photograph in each, of random size and place."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np

from ultra_face.data.training_set import (
    SPLIT,
    LabelledImage,
    Progress,
    class_names,
    label_layout,
    list_training_images,
    read_labelled_image,
    write_training_set,
)
from ultra_face.formats.annotation import FaceAnnotations


@dataclass(frozen=True)
class CollageSettings:
    """What collages to make: their side [px], the cells along it, and which share of a cell a photograph fills.

    The share is that of the photograph's long side, drawn for each from `smallest` to `largest`; the rest of the
    cell is gap.

    Raises:
        ValueError: A number is out of its range.
    """

    side: int = 416
    cells: int = 5
    smallest: float = 0.5
    largest: float = 1.0

    def __post_init__(self) -> None:
        if not 1 <= self.cells <= self.side:
            raise ValueError(f"expected 1 to {self.side} cells along {self.side} px, got {self.cells}; correct --cells")
        if not 0 < self.smallest <= self.largest <= 1:
            raise ValueError(
                f"expected shares of a cell up to 1, the smaller first, got {self.smallest:g}-{self.largest:g}; "
                "correct --fill"
            )


def make_collages(
    dataset: Path, output: Path, settings: CollageSettings, *, seed: int = 0, progress: Progress = iter
) -> str:
    """Paste all training images of a prepared data set, each once, into collages: a data set of their own.

    Args:
        dataset: Folder with `images/train` and `labels/train`.
        output: Folder to write, see `write_training_set`.
        settings: What collages to make. The last may have empty cells.
        seed: Seed of order, sizes, places and background; the same seed gives the same collages.
        progress: Wraps the list of collages, to show how far the work is.

    Returns:
        One line: what was written.

    Raises:
        FileExistsError: `output` holds files of another origin.
        FileNotFoundError: There are no training images, or none has a label file.
        OutputError: The disk is full or `output` is not writable; running again goes on.
        ValueError: An image does not decode, or a label file or the `data.yaml` is broken.
    """
    images = list_training_images(dataset)
    layout = label_layout(dataset, images)
    order = np.random.default_rng(seed).permutation(len(images))
    groups = [
        [images[index] for index in order[start : start + settings.cells**2]]
        for start in range(0, len(images), settings.cells**2)
    ]
    origin = {"collages_of": str(dataset.resolve()), "seed": seed, **asdict(settings)}

    def collages(numbered_groups: Iterable[tuple[int, Sequence[str]]]) -> Generator[LabelledImage, None, None]:
        for number, group in numbered_groups:
            photographs = [read_labelled_image(dataset, SPLIT, image) for image in group]
            yield paste(f"{number:05d}.jpg", photographs, settings, np.random.default_rng([seed, number]))

    with closing(collages(progress(list(enumerate(groups))))) as made:
        line = write_training_set(output, origin, made, layout=layout, classes=class_names(dataset))
    return f"collages of {len(images):,} photographs: {line}"


def paste(
    name: str, photographs: Sequence[LabelledImage], settings: CollageSettings, rng: np.random.Generator
) -> LabelledImage:
    """One collage of at most `cells`^2 photographs, row by row, on a background of one random colour."""
    colour = rng.integers(0, 256, 3).astype(np.uint8)
    canvas = np.tile(colour, (settings.side, settings.side, 1))
    edges = np.linspace(0, settings.side, settings.cells + 1).astype(int)
    pasted = []
    for index, photograph in enumerate(photographs):
        row, column = divmod(index, settings.cells)
        cell = np.array([edges[column + 1] - edges[column], edges[row + 1] - edges[row]])
        small = _resize(photograph, rng.uniform(settings.smallest, settings.largest) * cell.min())
        height, width = small.pixels.shape[:2]
        left, top = rng.integers(0, cell - (width, height), endpoint=True) + (edges[column], edges[row])
        canvas[top : top + height, left : left + width] = small.pixels
        pasted.append(small.faces.move(shift=(left, top)))
    return LabelledImage(canvas, _join(name, pasted))


def _resize(image: LabelledImage, long_side: float) -> LabelledImage:
    """The image with a long side of about `long_side` [px]."""
    height, width = image.pixels.shape[:2]
    scale = long_side / max(height, width)
    new_width, new_height = (max(1, round(side * scale)) for side in (width, height))
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    pixels = np.asarray(cv2.resize(image.pixels, (new_width, new_height), interpolation=interpolation))
    return LabelledImage(pixels, image.faces.move(scale=(new_width / width, new_height / height), shift=(0.0, 0.0)))


def _join(name: str, parts: Sequence[FaceAnnotations]) -> FaceAnnotations:
    return FaceAnnotations(
        image=name,
        where=name,
        boxes_xywh=np.concatenate([part.boxes_xywh for part in parts]),
        landmarks=np.concatenate([part.landmarks for part in parts]),
        invalid=np.concatenate([part.invalid for part in parts]),
        classes=np.concatenate([part.class_numbers for part in parts]),
    )
