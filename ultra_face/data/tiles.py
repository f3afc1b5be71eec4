"""Random tiles of labelled photographs: a crowd of small faces becomes several images with larger ones."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np

from ultra_face.data.cleaning import clean_faces
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

MIN_VISIBLE_SHARE = 0.5
_ATTEMPTS = 10


@dataclass(frozen=True)
class TileSettings:
    """What tiles to cut: how many of an image, how long their sides are [px], and how many faces each must hold.

    Raises:
        ValueError: A number is out of its range.
    """

    tiles_per_image: int = 3
    shortest: int = 260
    longest: int = 520
    min_faces: int = 8

    def __post_init__(self) -> None:
        if self.tiles_per_image < 1:
            raise ValueError(f"expected one tile or more an image, got {self.tiles_per_image}; raise --tiles")
        if not 1 <= self.shortest <= self.longest:
            raise ValueError(
                f"expected sides of whole pixels, the shorter first, got {self.shortest}-{self.longest}; correct --side"
            )
        if self.min_faces < 0:
            raise ValueError(f"expected zero or more faces in a tile, got {self.min_faces}; raise --min-faces")


class Window(NamedTuple):
    """A rectangle of whole pixels."""

    left: int
    top: int
    width: int
    height: int


def cut_tiles(dataset: Path, output: Path, settings: TileSettings, *, seed: int = 0, progress: Progress = iter) -> str:
    """Cut tiles from the training images of a prepared data set, and write them as a data set of their own.

    Args:
        dataset: Folder with `images/train` and `labels/train`.
        output: Folder to write, see `write_training_set`.
        settings: What tiles to cut.
        seed: Seed of all windows; the same seed gives the same tiles.
        progress: Wraps the list of photographs, to show how far the work is.

    Returns:
        One line: what was written.

    Raises:
        FileExistsError: `output` holds files of another origin.
        FileNotFoundError: There are no training images, or none has a label file.
        OutputError: The disk is full or `output` is not writable; running again goes on.
        ValueError: An image does not decode, a label file or the `data.yaml` is broken, or no tile has enough faces.
    """
    images = list_training_images(dataset)
    layout = label_layout(dataset, images)
    origin = {"tiles_of": str(dataset.resolve()), "seed": seed, **asdict(settings)}

    def tiles(numbered_images: Iterable[tuple[int, str]]) -> Generator[LabelledImage, None, None]:
        for number, image in numbered_images:
            rng = np.random.default_rng([seed, number])
            yield from tiles_of(read_labelled_image(dataset, SPLIT, image), settings, rng)

    with closing(tiles(progress(list(enumerate(images))))) as found:
        first = next(found, None)
        if first is None:
            raise ValueError(
                f"{dataset}: expected tiles with {settings.min_faces} faces or more, found none; lower --min-faces or "
                "raise --side"
            )
        line = write_training_set(output, origin, chain([first], found), layout=layout, classes=class_names(dataset))
    return f"tiles of {len(images):,} photographs: {line}"


def tiles_of(image: LabelledImage, settings: TileSettings, rng: np.random.Generator) -> Iterator[LabelledImage]:
    """Tiles of one image with enough faces in them, all different; fewer than asked where chance finds no more."""
    height, width = image.pixels.shape[:2]
    name = PurePosixPath(image.faces.image)
    cut: set[Window] = set()
    for _ in range(settings.tiles_per_image):
        for _ in range(_ATTEMPTS):
            window = random_window(width, height, settings, rng)
            faces = crop_faces(image.faces, window)
            if len(faces) >= settings.min_faces and window not in cut:
                tile_name = name.with_name(f"{name.stem}_{len(cut)}.jpg")
                cut.add(window)
                pixels = image.pixels[window.top : window.top + window.height, window.left : window.left + window.width]
                yield LabelledImage(pixels, replace(faces, image=str(tile_name)))
                break


def random_window(width: int, height: int, settings: TileSettings, rng: np.random.Generator) -> Window:
    """A random square in an image of `width` x `height` [px]; where it is larger, its side is that of the image."""
    side = int(rng.integers(settings.shortest, settings.longest + 1))
    window_width, window_height = min(side, width), min(side, height)
    left = int(rng.integers(0, width - window_width + 1))
    top = int(rng.integers(0, height - window_height + 1))
    return Window(left, top, window_width, window_height)


def crop_faces(faces: FaceAnnotations, window: Window) -> FaceAnnotations:
    """The faces of an image in the pixels of a window of it, cleaned as those of an image.

    A face stays if half of its box or more is in the window; its box is clipped, its landmarks outside are blanked.
    """
    moved = faces.move(shift=(-window.left, -window.top))
    left_top, size = moved.boxes_xywh[:, :2], moved.boxes_xywh[:, 2:]
    window_size = np.array([window.width, window.height])
    visible = np.clip(left_top + size, 0, window_size) - np.clip(left_top, 0, window_size)
    kept = moved.select(visible.prod(axis=1) >= MIN_VISIBLE_SHARE * size.prod(axis=1))
    return clean_faces(kept, width=window.width, height=window.height).faces
