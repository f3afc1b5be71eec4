"""Faces made unrecognisable: blurred, in blocks, filled or covered, as strongly for a large face as for a small one.

Every measure is a part of the face, never a number of pixels: an 800 px face keeps no more than a 40 px one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ultra_face.pictures.boxes import Region, grow
from ultra_face.pictures.pixels import Pixels, has_alpha, num_colours

Paint = Callable[[Pixels, Region], Pixels]
"""Takes the visible pixels of a region and gives what hides them, of the same shape."""

Shape = Callable[[NDArray[np.float64], Region], NDArray[np.bool_]]
"""Takes a grown box (4,) [px] and its region, and tells which of the visible pixels (h, w) are hidden."""

BLURRED_SIDE = 32
"""Pixels along the longer side at which a face is blurred: the blur is as wide at any size, and as quick."""


def ellipse(box_xyxy: NDArray[np.float64], region: Region) -> NDArray[np.bool_]:
    """The ellipse that touches the box from inside, at least one pixel."""
    centre, radii = (box_xyxy[:2] + box_xyxy[2:]) / 2, np.maximum((box_xyxy[2:] - box_xyxy[:2]) / 2, 0.75)
    x = (np.arange(region.columns.start, region.columns.stop) + 0.5 - centre[0]) / radii[0]
    y = (np.arange(region.rows.start, region.rows.stop) + 0.5 - centre[1]) / radii[1]
    return np.asarray(x**2 + y[:, None] ** 2 <= 1)


def rectangle(box_xyxy: NDArray[np.float64], region: Region) -> NDArray[np.bool_]:
    """Every pixel that the box touches."""
    return np.ones((region.rows.stop - region.rows.start, region.columns.stop - region.columns.start), bool)


SHAPES: dict[str, Shape] = {"ellipse": ellipse, "box": rectangle}


def hide(image: Pixels, boxes_xyxy: NDArray[Any], paint: Paint, *, shape: Shape, scale: float) -> None:
    """Paint over faces, in place; where they overlap, the later one over what the earlier one left.

    Args:
        image: (H, W) or (H, W, C), of any memory order.
        boxes_xyxy: (N, 4) [px of the image].
        paint: what to put there.
        shape: which pixels of a box.
        scale: times that the hidden part is larger than the box.
    """
    for box in grow(boxes_xyxy, scale):
        region = Region.of(box, *image.shape[:2])
        visible = image[region.rows, region.columns]
        if visible.size:
            hidden = shape(box, region)
            painted = paint(np.ascontiguousarray(visible), region)
            np.copyto(visible, painted, where=hidden if image.ndim == 2 else hidden[..., None])


def blurred(strength: float) -> Paint:
    """A Gaussian of `strength` times the longer side of the region."""

    def paint(pixels: Pixels, region: Region) -> Pixels:
        import cv2

        height, width = pixels.shape[:2]
        side = max(region.bottom - region.top, region.right - region.left)
        factor = min(1.0, BLURRED_SIDE / side)
        small = (max(1, round(width * factor)), max(1, round(height * factor)))
        reduced = cv2.resize(pixels, small, interpolation=cv2.INTER_AREA)
        soft = cv2.GaussianBlur(reduced, (0, 0), strength * side * factor, borderType=cv2.BORDER_REFLECT)
        return np.asarray(cv2.resize(soft, (width, height), interpolation=cv2.INTER_LINEAR)).reshape(pixels.shape)

    return paint


def pixelated(blocks: int) -> Paint:
    """Blocks of one colour, `blocks` along the longer side of the region; each at least 2 px wide."""

    def paint(pixels: Pixels, region: Region) -> Pixels:
        import cv2

        height, width = pixels.shape[:2]
        side = max(2.0, max(region.bottom - region.top, region.right - region.left) / blocks)
        small = (max(1, round(width / side)), max(1, round(height / side)))
        means = cv2.resize(pixels, small, interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.resize(means, (width, height), interpolation=cv2.INTER_NEAREST)).reshape(pixels.shape)

    return paint


def filled(color: int | Sequence[int]) -> Paint:
    """One colour of 1 or 3 numbers, opaque; its mean in a grey image."""

    def paint(pixels: Pixels, region: Region) -> Pixels:
        plain = np.full_like(pixels, 255)
        ink = color if num_colours(pixels) == 3 else round(float(np.mean(color)))
        plain.reshape(*plain.shape[:2], -1)[..., : num_colours(pixels)] = ink
        return plain

    return paint


def covered(picture: Pixels) -> Paint:
    """A picture stretched over the region; where it is transparent, the face shows."""

    def paint(pixels: Pixels, region: Region) -> Pixels:
        import cv2

        size = (region.right - region.left, region.bottom - region.top)
        enlarges = size[0] * size[1] > picture.shape[0] * picture.shape[1]
        stretched = cv2.resize(
            np.ascontiguousarray(picture), size, interpolation=cv2.INTER_LINEAR if enlarges else cv2.INTER_AREA
        )
        above = stretched.reshape(*stretched.shape[:2], -1)[region.inner].astype(np.float64)
        below = pixels.reshape(*pixels.shape[:2], -1).astype(np.float64)
        opacity = above[..., -1:] / 255 if has_alpha(picture) else np.ones((*above.shape[:2], 1))
        above = above[..., : num_colours(picture)]
        if num_colours(pixels) == 1:
            above = above.mean(axis=-1, keepdims=True)
        above = np.broadcast_to(above, (*above.shape[:2], num_colours(pixels)))
        if has_alpha(pixels):
            above = np.concatenate([above, np.full((*above.shape[:2], 1), 255.0)], axis=-1)
        return np.rint(below + opacity * (above - below)).astype(np.uint8).reshape(pixels.shape)

    return paint
