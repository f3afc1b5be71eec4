"""Face crops that no training sees: how well an enlargement restores them, in figures and as a picture.

PSNR and SSIM are as scikit-image computes them, over RGB of 0..255 with data range 255, without cutting the border;
SSIM with its uniform window of 7 px, averaged over the channels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import nn

from ultra_face.files.whole import write_file
from ultra_face.super_resolution.crops import CropSettings, draw_crop, to_pixels, to_tensor
from ultra_face.super_resolution.degrade import Degradation, Pixels, degrade, enlarge
from ultra_face.super_resolution.face_images import FaceImage, read_pixels

try:
    from skimage.metrics import peak_signal_noise_ratio, structural_similarity
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "expected scikit-image, which measures enlargements, got none; pip install 'ultra-face[sr]'"
    ) from error

DATA_RANGE = 255
REDUCTIONS = {"antialiased": True, "not antialiased": False}

Enlarge = Callable[[Pixels], Pixels]
"""RGB (H, W, 3) -> RGB (scale x H, scale x W, 3), 0..255."""

_HEADER, _GAP = 20, 4  # [px]
_PAPER, _INK = 255, (20, 20, 20)


@dataclass(frozen=True)
class Quality:
    """Peak signal-to-noise ratio [dB] and structural similarity, 1 for equal images."""

    psnr: float
    ssim: float

    def __str__(self) -> str:
        return f"{self.psnr:.2f} dB, SSIM {self.ssim:.4f}"


def quality(truth: Pixels, estimate: Pixels) -> Quality:
    """Compare two images (H, W, 3) of at least 7 x 7 px; equal ones have an infinite PSNR."""
    with np.errstate(divide="ignore"):
        psnr = peak_signal_noise_ratio(truth, estimate, data_range=DATA_RANGE)
    ssim = structural_similarity(truth, estimate, data_range=DATA_RANGE, channel_axis=2)
    return Quality(float(psnr), float(ssim))


def mean_quality(qualities: Iterable[Quality]) -> Quality:
    """Mean of both over images."""
    values = [(quality.psnr, quality.ssim) for quality in qualities]
    psnr, ssim = np.mean(values, axis=0)
    return Quality(float(psnr), float(ssim))


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


def comparison(enlarge_ours: Enlarge, crops: Sequence[Pixels], *, scale: int) -> dict[str, list[Pixels]]:
    """The columns of a sheet by their titles; every other crop is reduced with antialiasing, the rest without."""
    rng = np.random.default_rng(0)
    low = [degrade(crop, scale, Degradation.plain(antialias=index % 2 == 0), rng) for index, crop in enumerate(crops)]
    return {
        "low": [image.repeat(scale, axis=0).repeat(scale, axis=1) for image in low],
        "bicubic": [enlarge(image, scale) for image in low],
        "ours": [enlarge_ours(image) for image in low],
        "truth": list(crops),
    }


def draw_sheet(columns: Mapping[str, Sequence[Pixels]]) -> Pixels:
    """One picture RGB of titled columns, whose images (H, W, 3) are all of one size."""
    drawn = []
    for title, images in columns.items():
        height, width = images[0].shape[:2]
        header = np.full((_HEADER, width, 3), _PAPER, dtype=np.uint8)
        cv2.putText(header, title, (2, _HEADER - 6), cv2.FONT_HERSHEY_SIMPLEX, 0.45, _INK, 1, cv2.LINE_AA)
        column = [header]
        for image in images:
            column += [image, np.full((_GAP, width, 3), _PAPER, dtype=np.uint8)]
        drawn += [np.vstack(column), np.full((_HEADER + len(images) * (height + _GAP), _GAP, 3), _PAPER, np.uint8)]
    return np.hstack(drawn[:-1])


def save_sheet(path: Path, columns: Mapping[str, Sequence[Pixels]]) -> None:
    """Write a sheet as PNG.

    Raises:
        OutputError: the file cannot be written.
    """
    picture = cv2.cvtColor(draw_sheet(columns), cv2.COLOR_RGB2BGR)
    write_file(path, cv2.imencode(".png", picture)[1].tobytes())
