"""Random square crops of faces and backgrounds, and batches of them with their reduced copies.

Crops are at native resolution or below: nothing is enlarged. Every batch depends on the seed and its step alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from ultra_face.faces import MIRRORED_LANDMARKS
from ultra_face.formats.annotation import FloatArray
from ultra_face.super_resolution.degrade import Degradation, Pixels, degrade
from ultra_face.super_resolution.face_images import FaceImage, read_pixels

_LARGEST_FACE = 1.25  # of the tile: larger ones are reduced, so that a crop shows more than skin
_SMALLEST_REST = 0.5  # share of a face's box that must lie in a crop for the face to be labelled
CROPS_PER_IMAGE = 4  # reading an image takes longer than all that follows


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


def draw_crop(image: FaceImage, pixels: Pixels, settings: CropSettings, rng: np.random.Generator) -> Crop:
    """Cut a random crop from an image and its decoded pixels, mirrored every other time.

    An image without a large face gives backgrounds only.
    """
    if image.large and rng.random() >= settings.background:
        box = image.boxes_cxcywh[rng.choice(image.large)] * np.tile(image.size, 2)
        region = face_region(box, image.size, settings, rng)
    else:
        region = any_region(image.size, settings, rng)
    crop = cut(image, pixels, region, settings.tile)
    return mirrored(crop) if rng.random() < 0.5 else crop


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


def mirrored(crop: Crop) -> Crop:
    """Left and right exchanged, the landmarks the left ones still first."""
    boxes, landmarks = crop.boxes_cxcywh.copy(), crop.landmarks[:, MIRRORED_LANDMARKS].copy()
    boxes[:, 0] = 1 - boxes[:, 0]
    landmarks[..., 0] = np.where(landmarks[..., 2] > 0, 1 - landmarks[..., 0], 0.0)
    return Crop(np.ascontiguousarray(crop.pixels[:, ::-1]), boxes, landmarks)


def _inside(left_top: FloatArray, side: int, size: tuple[int, int]) -> Region:
    """The square of this side moved into an image of this width and height."""
    left, top = np.clip(np.floor(left_top), 0, np.array(size) - side).astype(int).tolist()
    return Region(left, top, side)


@dataclass(frozen=True, eq=False)
class Batch:
    """Crops and the faces in them.

    Attributes:
        low: RGB 0..1 (B, 3, tile / scale, tile / scale), degraded.
        high: RGB 0..1 (B, 3, tile, tile), sharp.
        faces: `batch_idx` (N,), `cls` (N, 1), `bboxes` (N, 4) and `keypoints` (N, 5, 3) as Ultralytics' losses take
            them, normalised by the crop.
    """

    low: Tensor
    high: Tensor
    faces: dict[str, Tensor]

    def to(self, device: torch.device) -> Batch:
        """The same on another device."""
        faces = {name: values.to(device) for name, values in self.faces.items()}
        return Batch(self.low.to(device), self.high.to(device), faces)


class Batches(Dataset[Batch]):
    """Batches by step: an interrupted training that goes on at its step sees what it would have seen.

    Args:
        images: where the crops come from.
        crops: what they show.
        degradation: how the reduced copies are made.
        scale: whole factor between the two.
        size: crops in a batch.
        seed: of everything random.
    """

    def __init__(
        self,
        images: Sequence[FaceImage],
        crops: CropSettings,
        degradation: Degradation,
        *,
        scale: int,
        size: int,
        seed: int,
    ) -> None:
        self.images, self.crops, self.degradation = images, crops, degradation
        self.scale, self.size, self.seed = scale, size, seed

    def __getitem__(self, step: int) -> Batch:
        """The batch of a step, counted from 0."""
        rng = np.random.default_rng([self.seed, step])
        drawn: list[Crop] = []
        while len(drawn) < self.size:
            image = self.images[int(rng.integers(len(self.images)))]
            pixels = read_pixels(image.path)
            count = min(CROPS_PER_IMAGE, self.size - len(drawn))
            drawn += [draw_crop(image, pixels, self.crops, rng) for _ in range(count)]
        reduced = [degrade(crop.pixels, self.scale, self.degradation, rng) for crop in drawn]
        return Batch(to_tensor(reduced), to_tensor([crop.pixels for crop in drawn]), _labels(drawn))


def to_tensor(images: Sequence[Pixels]) -> Tensor:
    """Images RGB 0..255 (H, W, 3) of one size -> RGB 0..1 (B, 3, H, W)."""
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float().div(255)


def to_pixels(images: Tensor) -> list[Pixels]:
    """Images RGB (B, 3, H, W) -> RGB 0..255 (H, W, 3) each, clipped and rounded."""
    rounded = images.detach().float().clamp(0, 1).mul(255).round().byte()
    return list(rounded.permute(0, 2, 3, 1).cpu().numpy())


def _labels(crops: Sequence[Crop]) -> dict[str, Tensor]:
    counts = [len(crop.boxes_cxcywh) for crop in crops]
    return {
        "batch_idx": torch.from_numpy(np.repeat(np.arange(len(crops)), counts)).float(),
        "cls": torch.zeros(sum(counts), 1),
        "bboxes": torch.from_numpy(np.concatenate([crop.boxes_cxcywh for crop in crops])).float(),
        "keypoints": torch.from_numpy(np.concatenate([crop.landmarks for crop in crops])).float(),
    }
