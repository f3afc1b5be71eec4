"""Face crops that no training sees, and how well an enlargement restores them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import nn

from ultra_face.super_resolution.batches import to_pixels, to_tensor
from ultra_face.super_resolution.crops import CropSettings, draw_crop
from ultra_face.super_resolution.degrade import Degradation, Pixels, degrade
from ultra_face.super_resolution.face_images import FaceImage, read_pixels
from ultra_face.super_resolution.quality import Quality, mean_quality, quality

REDUCTIONS = {"antialiased": True, "not antialiased": False}

Enlarge = Callable[[Pixels], Pixels]
"""RGB (H, W, 3) -> RGB (scale x H, scale x W, 3), 0..255."""


def draw_face_crops(images: Sequence[FaceImage], settings: CropSettings, *, count: int, seed: int) -> list[Pixels]:
    """`count` crops (tile, tile, 3) about faces, from as many images as there are; the same for the same seed."""
    rng = np.random.default_rng(seed)
    with_faces = [image for image in images if image.large]
    turns = [with_faces[index % len(with_faces)] for index in range(count)] if with_faces else []
    about_faces = replace(settings, background=0.0)
    return [draw_crop(image, read_pixels(image.path), about_faces, rng).pixels for image in turns]


def measure(enlarge: Enlarge, crops: Sequence[Pixels], *, scale: int, antialias: bool) -> Quality:
    """Mean quality of an enlargement of crops that were reduced and not otherwise degraded."""
    settings, rng = Degradation.plain(antialias=antialias), np.random.default_rng(0)
    return mean_quality(quality(crop, enlarge(degrade(crop, scale, settings, rng))) for crop in crops)


def measure_all(enlarge: Enlarge, crops: Sequence[Pixels], *, scale: int) -> dict[str, Quality]:
    """`measure` for every reduction, by its name."""
    return {name: measure(enlarge, crops, scale=scale, antialias=antialias) for name, antialias in REDUCTIONS.items()}


def by_network(network: nn.Module, device: torch.device | str = "cpu") -> Enlarge:
    """The enlargement of a network RGB 0..1 (1, 3, H, W) -> RGB (1, 3, scale x H, scale x W), in evaluation."""

    @torch.inference_mode()
    def enlarge(image: Pixels) -> Pixels:
        return to_pixels(network.eval()(to_tensor([image]).to(device)))[0]

    return enlarge
