"""Batches of sharp crops and their reduced copies; every batch depends on the seed and its step alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from ultra_face.super_resolution.crops import Crop, CropSettings, draw_crop
from ultra_face.super_resolution.degrade import Degradation, Pixels, degrade
from ultra_face.super_resolution.face_images import FaceImage, read_pixels

CROPS_PER_IMAGE = 4  # reading an image takes longer than all that follows


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
