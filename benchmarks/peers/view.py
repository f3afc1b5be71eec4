"""How a photograph is laid into the input of a network, and the way back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]


@dataclass(frozen=True)
class View:
    """Where the pixels of a photograph lie: its origin at that of the input, scaled in x and in y."""

    scale_xy: tuple[float, float]

    def to_photograph(self, points: NDArray[Any]) -> NDArray[np.float32]:
        """Points (..., 2) [input px] -> (..., 2) [px of the photograph]."""
        return np.asarray(points / np.array(self.scale_xy), np.float32)


def letterbox(image: Image, size: tuple[int, int], *, fill: tuple[int, int, int]) -> tuple[Image, View]:
    """Scale a photograph to fit, sides in proportion, and fill what is left to the right and below.

    Args:
        image: (H, W, 3).
        size: width and height of the input [px].
        fill: colour of the filling, in the channel order of the image.

    Returns:
        (height, width, 3) and the view.
    """
    height, width = image.shape[:2]
    scale = min(size[0] / width, size[1] / height)
    inner = min(round(width * scale), size[0]), min(round(height * scale), size[1])
    below, right = size[1] - inner[1], size[0] - inner[0]
    resized = cv2.resize(image, inner, interpolation=cv2.INTER_LINEAR)
    canvas = cv2.copyMakeBorder(resized, 0, below, 0, right, cv2.BORDER_CONSTANT, value=fill)
    return canvas, View((inner[0] / width, inner[1] / height))


def stretch(image: Image, size: tuple[int, int]) -> tuple[Image, View]:
    """Scale a photograph (H, W, 3) to exactly width and height [px] -> (height, width, 3) and the view."""
    height, width = image.shape[:2]
    resized = cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)
    return resized, View((size[0] / width, size[1] / height))
