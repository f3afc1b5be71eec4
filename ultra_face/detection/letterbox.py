"""The letterbox: an image scaled to fit the network's input, in the middle of grey. As Ultralytics' `LetterBox`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ultra_face.formats.image_files import LETTERBOX_GREY

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Letterbox:
    """Where an image lies in the input.

    Attributes:
        image_hw: height and width of the image [px].
        input_hw: height and width of the input [px].
        inner_hw: height and width of the scaled image in it [px].
        left_top: its corner in the input [px].
    """

    image_hw: tuple[int, int]
    input_hw: tuple[int, int]
    inner_hw: tuple[int, int]
    left_top: tuple[int, int]

    @classmethod
    def fit(cls, image_hw: tuple[int, int], size_hw: tuple[int, int], *, stride: int | None) -> Letterbox:
        """Scale an image to fit.

        Args:
            image_hw: height and width of the image [px].
            size_hw: height and width that it shall fit into [px].
            stride: the input is the least rectangle of multiples of this around the scaled image; None takes all of
                `size_hw`.
        """
        ratio = min(size_hw[0] / image_hw[0], size_hw[1] / image_hw[1])
        inner_h, inner_w = (max(round(side * ratio), 1) for side in image_hw)
        grey_h, grey_w = size_hw[0] - inner_h, size_hw[1] - inner_w
        if stride is not None:
            grey_h, grey_w = grey_h % stride, grey_w % stride
        # Whole pixels; an odd one goes below and to the right.
        left_top = (round(grey_w / 2 - 0.1), round(grey_h / 2 - 0.1))
        return cls(image_hw, (inner_h + grey_h, inner_w + grey_w), (inner_h, inner_w), left_top)

    @property
    def to_image(self) -> NDArray[np.float64]:
        """Matrix (3, 3), which takes (x, y, 1) of the input to the image; sides were rounded, so x and y differ."""
        scale_x, scale_y = self.image_hw[1] / self.inner_hw[1], self.image_hw[0] / self.inner_hw[0]
        left, top = self.left_top
        return np.array([[scale_x, 0, -left * scale_x], [0, scale_y, -top * scale_y], [0, 0, 1]], np.float64)

    def fill(self, planes: NDArray[np.float32], inner: Pixels) -> None:
        """Write the input of the network.

        Args:
            planes: (3, height, width) of the input, to be filled with RGB in 0..1.
            inner: the scaled image (inner height, inner width, 3) BGR.
        """
        left, top = self.left_top
        rows, columns = slice(top, top + self.inner_hw[0]), slice(left, left + self.inner_hw[1])
        whole = np.float32(255)
        if self.inner_hw != self.input_hw:
            planes[...] = np.float32(LETTERBOX_GREY) / whole
        for plane, channel in zip(planes, (2, 1, 0), strict=True):
            np.divide(np.ascontiguousarray(inner[..., channel]), whole, out=plane[rows, columns], dtype=np.float32)
