"""How close an enlargement comes to the photograph: PSNR and SSIM as scikit-image computes them.

Both over RGB of 0..255 with data range 255, without cutting the border; SSIM with its uniform window of 7 px, averaged
over the channels.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ultra_face.super_resolution.degrade import Pixels

try:
    from skimage.metrics import peak_signal_noise_ratio, structural_similarity
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "expected scikit-image, which measures enlargements, got none; pip install 'ultra-face[sr]'"
    ) from error

DATA_RANGE = 255


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
