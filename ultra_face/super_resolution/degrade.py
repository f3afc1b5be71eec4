"""From a sharp crop to what a small face in a photograph looks like. Images are RGB (H, W, 3), 0..255.

Source: Ledig et al. 2017 reduce with an antialiased bicubic filter alone. Deviation: here it is mixed with a bicubic
reduction that is not antialiased, with blur, noise and JPEG, since a generator fitted to one filter fails on others.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

Pixels = npt.NDArray[np.uint8]
Range = tuple[float, float]


@dataclass(frozen=True)
class Degradation:
    """How often each step happens, as a share of the crops, and in which range its strength is drawn.

    Attributes:
        antialias: share of reductions that are antialiased.
        blur: share of crops that are out of focus.
        blur_sigma: standard deviation of the Gaussian [px of the reduced image].
        noise: share of crops with noise.
        noise_sigma: standard deviation of the noise [grey levels].
        jpeg: share of crops that are compressed after the reduction.
        jpeg_quality: as libjpeg counts, 100 is best.

    Raises:
        ValueError: a share is not in 0..1, or a range is empty or not positive.
    """

    antialias: float = 0.5
    blur: float = 0.2
    blur_sigma: Range = (0.2, 0.8)
    noise: float = 0.2
    noise_sigma: Range = (1.0, 6.0)
    jpeg: float = 0.3
    jpeg_quality: Range = (60.0, 95.0)

    def __post_init__(self) -> None:
        """Check shares and ranges."""
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, tuple):
                low, high = value
                if not 0 < low <= high < math.inf:
                    raise ValueError(f"Degradation: {field.name}: expected 0 < low <= high, got {value}")
            elif not 0 <= value <= 1:
                raise ValueError(f"Degradation: {field.name}: expected a share from 0 to 1, got {value}")

    @classmethod
    def plain(cls, *, antialias: bool) -> Degradation:
        """The reduction and nothing else: what super-resolution is usually measured on."""
        return cls(antialias=float(antialias), blur=0.0, noise=0.0, jpeg=0.0)


def degrade(image: Pixels, scale: int, settings: Degradation, rng: np.random.Generator) -> Pixels:
    """Blur, reduce, add noise, compress: (H, W, 3) -> (H / scale, W / scale, 3)."""
    if rng.random() < settings.blur:
        image = blur(image, sigma=scale * rng.uniform(*settings.blur_sigma))
    image = reduce(image, scale, antialias=rng.random() < settings.antialias)
    if rng.random() < settings.noise:
        image = add_noise(image, rng.uniform(*settings.noise_sigma), rng)
    if rng.random() < settings.jpeg:
        image = compress(image, quality=round(rng.uniform(*settings.jpeg_quality)))
    return image


def reduce(image: Pixels, scale: int, *, antialias: bool) -> Pixels:
    """Bicubic reduction by a whole factor, the rest of an indivisible side lost: (H, W, 3) -> (H // s, W // s, 3).

    Antialiased, as Pillow does it, the filter widens with the factor; else, as OpenCV does it, it takes in 4 x 4 pixels
    whatever the factor, and fine patterns turn into coarse ones.
    """
    height, width = image.shape[0] // scale, image.shape[1] // scale
    whole = image[: scale * height, : scale * width]
    if antialias:
        return np.asarray(Image.fromarray(whole).resize((width, height), Image.Resampling.BICUBIC))
    return np.asarray(cv2.resize(whole, (width, height), interpolation=cv2.INTER_CUBIC), dtype=np.uint8)


def enlarge(image: Pixels, scale: int) -> Pixels:
    """Bicubic enlargement, which a generator has to beat: (H, W, 3) -> (scale x H, scale x W, 3)."""
    size = (scale * image.shape[1], scale * image.shape[0])
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_CUBIC), dtype=np.uint8)


def blur(image: Pixels, *, sigma: float) -> Pixels:
    """Gaussian blur of standard deviation `sigma` [px]."""
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), dtype=np.uint8)


def add_noise(image: Pixels, sigma: float, rng: np.random.Generator) -> Pixels:
    """Independent Gaussian noise of standard deviation `sigma` [grey levels] on every value."""
    return np.clip(np.rint(image + rng.normal(0.0, sigma, image.shape)), 0, 255).astype(np.uint8)


def compress(image: Pixels, *, quality: int) -> Pixels:
    """The image after JPEG of this quality."""
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    encoded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.cvtColor(cv2.imdecode(encoded, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB), dtype=np.uint8)
