"""Square crops of faces and backgrounds at native resolution or below, never enlarged, from a prepared data set."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from ultra_face.data.annotation import FloatArray
from ultra_face.data.training_boxes import label_file
from ultra_face.data.yolo_pose import read_labels
from ultra_face.super_resolution.degrade import Pixels

Progress = Callable[[Sequence[Path]], Iterable[Path]]

_EXIF_ORIENTATION, _ON_ITS_SIDE = 274, range(5, 9)
_LARGEST_FACE = 1.25  # of the tile: larger ones are reduced, so that a crop shows more than skin
_SMALLEST_REST = 0.5  # share of a face's box that must lie in a crop to be labelled


@dataclass(frozen=True)
class CropSettings:
    """What a crop shows.

    Attributes:
        tile: side of a crop [px].
        min_face: smallest side of a face in a crop about it, the longer of its box [px].
        background: share of crops from anywhere in an image instead of about a face.

    Raises:
        ValueError: a value out of its range.
    """

    tile: int = 96
    min_face: float = 24.0
    background: float = 0.2

    def __post_init__(self) -> None:
        """Check the ranges."""
        if self.tile < 1:
            raise ValueError(f"CropSettings: tile: expected at least 1 px, got {self.tile}")
        if not 0 < self.min_face <= self.tile:
            raise ValueError(f"CropSettings: min_face: expected more than 0, up to the tile, got {self.min_face}")
        if not 0 <= self.background <= 1:
            raise ValueError(f"CropSettings: background: expected a share from 0 to 1, got {self.background}")


@dataclass(frozen=True, eq=False)
class FaceImage:
    """An image that crops can be cut from.

    Attributes:
        path: the file.
        size: width and height [px].
        boxes_cxcywh: (N, 4) all labelled faces, normalised by the size.
        landmarks: (N, 5, 3) x, y, v, normalised by the size.
        large: (M,) indices of the faces that are large enough to make a crop of.
    """

    path: Path
    size: tuple[int, int]
    boxes_cxcywh: FloatArray
    landmarks: FloatArray
    large: Sequence[int]


@dataclass(frozen=True)
class Region:
    """Square of an image: left, top and side [px]."""

    left: int
    top: int
    side: int


@dataclass(frozen=True, eq=False)
class Crop:
    """A crop RGB (tile, tile, 3) and the faces in it, normalised by its side: boxes (N, 4), landmarks (N, 5, 3)."""

    pixels: Pixels
    boxes_cxcywh: FloatArray
    landmarks: FloatArray


def find_images(paths: Sequence[Path], settings: CropSettings, *, progress: Progress = iter) -> list[FaceImage]:
    """The images that are at least as large as a crop, with their faces; at least one of them has a large face.

    Raises:
        FileNotFoundError: an image does not exist.
        ValueError: a file is no image, a label file is broken, or no image or no face is large enough.
    """
    images = [image for path in progress(paths) if min((image := _read_header(path, settings)).size) >= settings.tile]
    if not images:
        raise ValueError(
            f"expected images of at least {settings.tile} x {settings.tile} px, got none in {len(paths)}; "
            "choose a smaller tile"
        )
    if not any(image.large for image in images):
        raise ValueError(
            f"expected faces of at least {settings.min_face:g} px in images of at least {settings.tile} px, got none "
            f"in {len(images)}; choose a smaller size, or another data set"
        )
    return images


def draw_crop(image: FaceImage, pixels: Pixels, settings: CropSettings, rng: np.random.Generator) -> Crop:
    """Cut a random crop from an image and its decoded pixels, mirrored every other time (without labels swapped).

    An image without a large face gives backgrounds only.
    """
    if image.large and rng.random() >= settings.background:
        box = image.boxes_cxcywh[rng.choice(image.large)] * np.tile(image.size, 2)
        region = face_region(box, image.size, settings, rng)
    else:
        region = any_region(image.size, settings, rng)
    return cut(image, pixels, region, settings.tile)


def face_region(
    box_cxcywh: FloatArray, size: tuple[int, int], settings: CropSettings, rng: np.random.Generator
) -> Region:
    """A square about a face (4,) [px] in an image of this width and height.

    The face is between `min_face` and its native size in the crop, small ones as often as large ones (uniform in the
    logarithm), its centre anywhere in the middle of the crop, at most 30 % of the side from the centre.
    """
    face = float(box_cxcywh[2:].max())
    largest = max(settings.min_face, min(face, _LARGEST_FACE * settings.tile))
    wanted = math.exp(rng.uniform(math.log(settings.min_face), math.log(largest)))
    side = min(max(settings.tile, round(settings.tile * face / wanted)), *size)
    left_top = box_cxcywh[:2] - side * rng.uniform(0.2, 0.8, 2)
    return _inside(left_top, side, size)


def any_region(size: tuple[int, int], settings: CropSettings, rng: np.random.Generator) -> Region:
    """A square anywhere in an image of this width and height, small ones as often as large ones."""
    side = round(math.exp(rng.uniform(math.log(settings.tile), math.log(min(size)))))
    return _inside(rng.uniform(0, np.array(size) - side + 1), side, size)


def cut(image: FaceImage, pixels: Pixels, region: Region, tile: int) -> Crop:
    """Reduce a region of an image to a crop of `tile` px, with the faces of which at least half lies in it."""
    rows, columns = (slice(start, start + region.side) for start in (region.top, region.left))
    patch = pixels[rows, columns]
    reduced = patch if region.side == tile else cv2.resize(patch, (tile, tile), interpolation=cv2.INTER_AREA)
    size, corner = np.array(image.size), np.array([region.left, region.top])
    middle = (image.boxes_cxcywh[:, :2] * size - corner) / region.side
    half = image.boxes_cxcywh[:, 2:] * size / region.side / 2
    left_top, right_bottom = np.clip(middle - half, 0, 1), np.clip(middle + half, 0, 1)
    rest = np.prod(right_bottom - left_top, axis=1) >= _SMALLEST_REST * np.prod(2 * half, axis=1)
    landmarks = image.landmarks.copy()
    landmarks[..., :2] = (landmarks[..., :2] * size - corner) / region.side
    outside = ((landmarks[..., :2] < 0) | (landmarks[..., :2] > 1)).any(axis=2) | (landmarks[..., 2] == 0)
    landmarks[outside] = 0
    boxes = np.concatenate([(left_top + right_bottom) / 2, right_bottom - left_top], axis=1)
    return Crop(np.asarray(reduced, dtype=np.uint8), boxes[rest], landmarks[rest])


def read_pixels(path: Path) -> Pixels:
    """Decode an image as RGB (H, W, 3), turned as its EXIF says.

    Raises:
        ValueError: the file is damaged.
    """
    bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if bgr is None:
        raise ValueError(f"{path}: expected an image, got a file that does not decode; prepare the data set again")
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), dtype=np.uint8)


def _read_header(path: Path, settings: CropSettings) -> FaceImage:
    """Size and labels; the pixels are not decoded."""
    try:
        with Image.open(path) as image:
            width, height = image.size
            if image.getexif().get(_EXIF_ORIENTATION) in _ON_ITS_SIDE:
                width, height = height, width
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{path}: expected an image, got no file; prepare the data set again") from error
    except UnidentifiedImageError as error:
        raise ValueError(f"{path}: expected an image, got a file of another kind; prepare the data set again") from error
    labels = label_file(path)
    boxes, landmarks = read_labels(labels) if labels.is_file() else (np.zeros((0, 4)), np.zeros((0, 5, 3)))
    longer = (boxes[:, 2:] * (width, height)).max(axis=1, initial=0.0)
    return FaceImage(path, (width, height), boxes, landmarks, np.flatnonzero(longer >= settings.min_face).tolist())


def _inside(left_top: FloatArray, side: int, size: tuple[int, int]) -> Region:
    """The square of this side moved into an image of this width and height."""
    left, top = np.clip(np.floor(left_top), 0, np.array(size) - side).astype(int).tolist()
    return Region(left, top, side)
