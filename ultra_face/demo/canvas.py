"""Supersampled drawing surface of the synthetic scenes, which remembers whose paint each pixel shows."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from ultra_face.formats.annotation import FloatArray

Colour = tuple[float, float, float]
"""Blue, green, red, 0 to 255."""
Points = Sequence[tuple[float, float]] | FloatArray

SUPERSAMPLING = 3
NOBODY = 0
_SHIFT = 4


class Canvas:
    """Pixels (k H, k W, 4): blue, green, red, owner; k is the supersampling. Coordinates are image pixels."""

    def __init__(self, background: npt.NDArray[np.uint8]) -> None:
        self.height, self.width = background.shape[:2]
        size = (self.width * SUPERSAMPLING, self.height * SUPERSAMPLING)
        pixels = cv2.resize(background, size, interpolation=cv2.INTER_LINEAR)
        self.pixels = cv2.cvtColor(pixels, cv2.COLOR_BGR2BGRA)
        self.pixels[..., 3] = NOBODY

    def polygon(self, points_xy: FloatArray, colour: Colour, owner: int = NOBODY) -> None:
        """Fill a polygon (N, 2) [px]."""
        cv2.fillPoly(self.pixels, [_fixed_point(points_xy)], (*colour, owner), cv2.LINE_8, _SHIFT)

    def stroke(self, points_xy: FloatArray, thickness: float, colour: Colour, owner: int = NOBODY) -> None:
        """Draw an open line (N, 2) [px] of `thickness` [px]."""
        width = max(1, round(thickness * SUPERSAMPLING))
        cv2.polylines(self.pixels, [_fixed_point(points_xy)], False, (*colour, owner), width, cv2.LINE_8, _SHIFT)

    def shade(self, owner: int, centre_xy: FloatArray, radius: float, light_xy: FloatArray) -> None:
        """Light what `owner` painted around the centre [px]: brighter towards `light_xy`, darker outwards.

        The effect fades out at `radius` [px].
        """
        reach = radius * SUPERSAMPLING
        x, y = centre_xy * SUPERSAMPLING
        left, top = (max(0, int(value - reach)) for value in (x, y))
        region = self.pixels[top : max(0, int(y + reach)), left : max(0, int(x + reach))]
        rows, columns = np.ogrid[: region.shape[0], : region.shape[1]]
        across = ((columns + left - x) / reach).astype(np.float32)
        down = ((rows + top - y) / reach).astype(np.float32)
        distance = np.sqrt(across**2 + down**2)
        change = across * np.float32(light_xy[0]) + down * np.float32(light_xy[1]) - 0.6 * distance**2
        change *= np.clip(3 - 3 * distance, 0, 1) * (region[..., 3] == owner)
        region[..., :3] = np.clip(region[..., :3] * (1 + change)[..., None], 0, 255)

    def owner_at(self, point_xy: FloatArray) -> int:
        """Whose paint shows at a point [px]; nobody's outside the image."""
        x, y = (int(value) for value in np.floor(point_xy * SUPERSAMPLING))
        inside = 0 <= x < self.pixels.shape[1] and 0 <= y < self.pixels.shape[0]
        return int(self.pixels[y, x, 3]) if inside else NOBODY

    def image(self) -> npt.NDArray[np.uint8]:
        """The finished picture (H, W, 3), BGR."""
        size = (self.width, self.height)
        picture: npt.NDArray[np.uint8] = cv2.resize(self.pixels[..., :3], size, interpolation=cv2.INTER_AREA)
        return picture


def ellipse(centre_xy: tuple[float, float], radius_x: float, radius_y: float, *, corners: int = 40) -> FloatArray:
    """Corners (N, 2) of a polygon that follows an ellipse."""
    angle = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    return np.stack([centre_xy[0] + radius_x * np.cos(angle), centre_xy[1] + radius_y * np.sin(angle)], axis=1)


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """Blend two colours; `share` is that of the second."""
    blue, green, red = ((1 - share) * a + share * b for a, b in zip(first, second, strict=True))
    return blue, green, red


def darken(colour: Colour, factor: float) -> Colour:
    """Scale a colour towards black."""
    return mix((0.0, 0.0, 0.0), colour, factor)


def _fixed_point(points_xy: FloatArray) -> npt.NDArray[np.int32]:
    """OpenCV's coordinates: pixel centres, with `_SHIFT` fractional bits."""
    fixed: npt.NDArray[np.int32] = np.rint((points_xy * SUPERSAMPLING - 0.5) * 2**_SHIFT).astype(np.int32)
    return fixed
