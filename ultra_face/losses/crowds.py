"""Photographs of crowds beside portraits: what a face counts by how many stand in its image.

Without it one crowd of three hundred outweighs three hundred portraits' worth of other images. Of our own; the exponent
0 leaves all faces equal, as every source of this loss does.
"""

from __future__ import annotations

import torch
from torch import Tensor


def image_weights(image_index: Tensor, num_images: int, *, exponent: float) -> Tensor:
    """Weights n^-exponent of the images of a batch, n their faces, scaled so that the mean over all faces is 1.

    An image without faces weighs as one with a single face.

    Args:
        image_index: image of each face (T,), whole numbers.
        num_images: of the batch, B.
        exponent: from 0, all faces alike, to 1, all images with faces alike.

    Returns:
        (B,) in float32.
    """
    faces = torch.bincount(image_index, minlength=num_images)
    weights = faces.clamp(min=1).float().pow(-exponent)
    return weights * (faces.sum().clamp(min=1) / (faces * weights).sum().clamp(min=1))
