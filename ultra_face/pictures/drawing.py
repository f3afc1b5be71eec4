"""Faces drawn into an image: boxes, landmarks and labels, in lines and letters that suit the image and the face."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ultra_face.pictures.pixels import Pixels, has_alpha, num_colours

Colour = tuple[int, int, int]

BOX_COLOUR: Colour = (60, 220, 60)
LANDMARK_COLOURS: tuple[Colour, ...] = ((60, 60, 255), (255, 160, 40), (0, 220, 255), (255, 80, 220), (240, 240, 60))
"""BGR of eye, eye, nose, mouth corner, mouth corner, the left ones first on the upright face."""
TEXT_COLOUR: Colour = (20, 20, 20)

LEAST_TEXT = 9
"""Height of digits [px] that one can just read."""


def draw(
    image: Pixels,
    boxes_xyxy: NDArray[Any] | None,
    landmarks: NDArray[Any] | None,
    labels: Sequence[tuple[NDArray[Any], str]],
    *,
    color: Colour,
) -> Pixels:
    """Draw on a copy: landmarks over boxes, and labels over both.

    Args:
        image: (H, W) or (H, W, C).
        boxes_xyxy: (N, 4) [px], or None for no boxes.
        landmarks: (N, 5, 2) [px], or None for no landmarks; those that are NaN are left out.
        labels: box (4,) [px] and text of each.
        color: of boxes and labels, in the order of the image's channels.

    Returns:
        The copy, of the image's shape.
    """
    import cv2

    if image.shape[2:] == (2,):  # OpenCV writes on 1, 3 and 4 channels
        drawn = draw(image[..., [0, 0, 0, 1]], boxes_xyxy, landmarks, labels, color=color)
        return np.stack([np.rint(drawn[..., :3].mean(axis=2)).astype(np.uint8), drawn[..., 3]], axis=2)
    canvas = np.array(image, order="C")
    line = max(1, round(min(image.shape[:2]) / 400))
    for box in () if boxes_xyxy is None else boxes_xyxy:
        left, top, right, bottom = _whole(box)
        cv2.rectangle(canvas, (left, top), (right, bottom), _ink(color, image), line)
    for points in () if landmarks is None else landmarks:
        radius = max(1, round(_extent(points) / 16))
        for point, colour in zip(points, LANDMARK_COLOURS, strict=True):
            if np.isfinite(point).all():
                cv2.circle(canvas, _whole(point), radius, _ink(colour, image), -1, cv2.LINE_AA)
    for box, text in labels:
        _write(canvas, box, text, color=color, line=line)
    return canvas


def _write(canvas: Pixels, box_xyxy: NDArray[Any], text: str, *, color: Colour, line: int) -> None:
    """A label above the box, or below its upper edge at the top of the image; none that is far wider than the box."""
    import cv2

    left, top, right, _ = _whole(box_xyxy)
    largest = max(LEAST_TEXT, min(canvas.shape[:2]) / 40)
    height = min(max(LEAST_TEXT, (right - left) / 10), largest)
    font, thickness = cv2.FONT_HERSHEY_SIMPLEX, max(1, round(height / 9))
    (_, unit), _ = cv2.getTextSize("0", font, 1.0, 1)
    scale = height / unit
    (width, tall), _ = cv2.getTextSize(text, font, scale, thickness)
    pad = max(2, round(tall / 3))
    if width + 2 * pad > 1.5 * (right - left):
        return
    left = max(0, min(left - line // 2, canvas.shape[1] - width - 2 * pad))
    top = max(0, top - tall - 2 * pad)
    right, bottom = left + width + 2 * pad, top + tall + 2 * pad
    cv2.rectangle(canvas, (left, top), (right, bottom), _ink(color, canvas), -1)
    where = (left + pad, bottom - pad)
    cv2.putText(canvas, text, where, font, scale, _ink(TEXT_COLOUR, canvas), thickness, cv2.LINE_AA)


def _ink(colour: Colour, image: Pixels) -> tuple[float, ...]:
    """A colour for the channels of the image, opaque."""
    inks = tuple(map(float, colour)) if num_colours(image) == 3 else (round(sum(colour) / 3),)
    return (*inks, 255.0) if has_alpha(image) else inks


def _extent(points: NDArray[Any]) -> float:
    """How far the known points of a face reach [px]."""
    known = points[np.isfinite(points).all(axis=1)]
    return float(np.ptp(known, axis=0).max()) if len(known) else 0.0


def _whole(coordinates: NDArray[Any]) -> Any:
    """Whole pixels, within what OpenCV draws."""
    return np.rint(np.clip(coordinates, -(2**15), 2**15)).astype(int).tolist()
