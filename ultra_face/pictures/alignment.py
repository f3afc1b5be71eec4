"""Aligned crops: each face turned, scaled and moved so that its landmarks meet those of the recognition template.

Source: Umeyama, "Least-squares estimation of transformation parameters between two point patterns", PAMI 1991; the
template is that of ArcFace, Deng et al. 2019.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ultra_face.pictures.pixels import Pixels, num_colours

# Where the landmarks lie in the 112 x 112 px crop that face recognition networks are trained on.
RECOGNITION_TEMPLATE = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]], np.float32
)
TEMPLATE_SIDE = 112
MIDDLE_OF_PIXEL = 0.5


def similarity(source: NDArray[Any], target: NDArray[Any]) -> NDArray[np.float64]:
    """The turn, scale and shift, never a reflection, that bring points closest to others in the least squares.

    In the plane Umeyama's singular value decomposition reduces to a division: with points as complex numbers about
    their means, turn and scale are the one factor `a` that minimises the sum of |a source - target|^2.

    Args:
        source: points (..., K, 2).
        target: points (K, 2).

    Returns:
        Matrices (..., 2, 3), each of which takes (x, y, 1) of its source; NaN where the source's points fall together
        or are unknown.
    """
    z, w = (points[..., 0] + 1j * points[..., 1] for points in (source.astype(np.float64), target.astype(np.float64)))
    mean = z.mean(axis=-1)
    about_mean = z - mean[..., None]
    spread = (np.abs(about_mean) ** 2).sum(axis=-1)
    with np.errstate(invalid="ignore"):  # 0 / 0 is the NaN that is wanted
        a = (about_mean.conj() * w).sum(axis=-1) / spread
    b = w.mean() - a * mean
    return np.stack([np.stack([a.real, -a.imag, b.real], -1), np.stack([a.imag, a.real, b.imag], -1)], -2)


def transforms(landmarks: NDArray[Any], size: tuple[int, int]) -> NDArray[np.float64]:
    """Matrices (N, 2, 3) from pixels of the image to pixels of the aligned crop, from landmarks (N, 5, 2) [px].

    Landmarks count from the corner of the image, where the first pixel has its middle at 0.5; matrices are for OpenCV,
    which has it at 0, as the template has. So a turned photograph gives the same crops.

    The template fills the height of the crop and stands in the middle of its width: (96, 112) px is the other size
    that recognition networks take.

    Args:
        landmarks: (N, 5, 2) [px of the image].
        size: width and height of the crop [px].

    Returns:
        (N, 2, 3); NaN for a face without known landmarks.
    """
    width, height = size
    scale = height / TEMPLATE_SIDE
    target = RECOGNITION_TEMPLATE * np.float64(scale) + [(width - height) / 2, 0]
    return similarity(landmarks - MIDDLE_OF_PIXEL, target)


def align(image: Pixels, landmarks: NDArray[Any], size: tuple[int, int], *, replicate: bool = False) -> Pixels:
    """Aligned crops (N, height, width) or (N, height, width, C).

    Args:
        image: (H, W) or (H, W, C).
        landmarks: (N, 5, 2) [px of the image].
        size: width and height of the crops [px].
        replicate: continue the image beyond its border with its last pixels, instead of black.

    Returns:
        The crops, in order; black for a face without known landmarks.
    """
    import cv2  # only here: `import ultra_face` and its doctor must work where OpenCV does not load

    border = cv2.BORDER_REPLICATE if replicate else cv2.BORDER_CONSTANT
    width, height = size
    crops = np.zeros((len(landmarks), height, width, *image.shape[2:]), np.uint8)
    for crop, matrix in zip(crops, transforms(landmarks, size), strict=True):
        if np.isfinite(matrix).all():
            crop[:] = cv2.warpAffine(image, matrix, size, borderMode=border).reshape(crop.shape)
    return crops


def sharpness(image: Pixels, landmarks: NDArray[Any]) -> NDArray[np.float64]:
    """Variance of the Laplacian of each face's aligned crop of 112 px in grey (N,); 0 without known landmarks.

    All faces are compared at one size, so that a small face is as blurred as it looks when enlarged. Beyond the border
    the image goes on as it ends: a black edge would be the sharpest of all.
    """
    import cv2

    crops = align(image, landmarks, (TEMPLATE_SIDE, TEMPLATE_SIDE), replicate=True)
    colours = crops[..., : num_colours(image)] if image.ndim == 3 else crops[..., None]
    grey = colours.mean(axis=-1)  # the plain mean is the same for BGR and RGB
    return np.array([cv2.Laplacian(crop, cv2.CV_64F).var() for crop in grey], np.float64)
