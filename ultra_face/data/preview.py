"""Contact sheet of a prepared data set: a look at what training will see, read back from the label files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from ultra_face.files.whole import write_file
from ultra_face.formats.image_files import Pixels, find_images, read_image
from ultra_face.formats.yolo_pose import label_file, read_labels
from ultra_face.pictures.drawing import BOX_COLOUR, LANDMARK_COLOURS

_BACKGROUND = 24


def save_contact_sheet(dataset: Path, path: Path, *, columns: int = 5, rows: int = 4, tile: int = 320) -> None:
    """Draw `columns` x `rows` evenly chosen images of a data set with their faces, and save them as PNG.

    Each image is fitted into a square of `tile` px.

    Raises:
        FileNotFoundError: The data set has no images.
        OutputError: The sheet cannot be written.
        ValueError: A label file is broken, or an image does not decode.
    """
    images = find_images(dataset / "images")
    if not images:
        raise FileNotFoundError(f"{dataset}: expected images below images/, got none; prepare the data set first")
    chosen = [images[index] for index in np.unique(np.linspace(0, len(images) - 1, columns * rows).round().astype(int))]
    tiles = [_tile(image, tile) for image in chosen]
    blank = np.full((tile, tile, 3), _BACKGROUND, dtype=np.uint8)
    tiles += [blank] * (-len(tiles) % columns)
    sheet = np.vstack([np.hstack(tiles[start : start + columns]) for start in range(0, len(tiles), columns)])
    write_file(path, cv2.imencode(".png", sheet)[1].tobytes())


def draw_faces(image: Pixels, boxes_cxcywh: npt.NDArray[Any], landmarks: npt.NDArray[Any]) -> Pixels:
    """Draw normalised boxes (N, 4) and present landmarks (N, 5, 3) on a copy of a BGR image."""
    canvas: Pixels = image.copy()
    size = np.array(image.shape[1::-1])
    for box, points in zip(boxes_cxcywh, landmarks, strict=True):
        left_top = np.rint((box[:2] - box[2:] / 2) * size).astype(int)
        right_bottom = np.rint((box[:2] + box[2:] / 2) * size).astype(int)
        cv2.rectangle(canvas, left_top.tolist(), right_bottom.tolist(), BOX_COLOUR, 1, cv2.LINE_AA)
        radius = max(1, round(float((box[2:] * size).min()) / 30))
        for (x, y, visibility), colour in zip(points, LANDMARK_COLOURS, strict=True):
            if visibility > 0:
                centre = np.rint((x, y) * size).astype(int).tolist()
                cv2.circle(canvas, centre, radius, colour, -1, cv2.LINE_AA)
    return canvas


def _tile(image: Path, side: int) -> Pixels:
    """The image with its faces, fitted into the middle of a square of `side` px."""
    pixels = read_image(image)
    if pixels is None:
        raise ValueError(f"{image} does not decode as an image; prepare the data set again")
    height, width = pixels.shape[:2]
    scale = side / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    fitted = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    drawn = draw_faces(fitted, *read_labels(label_file(image)))
    canvas = np.full((side, side, 3), _BACKGROUND, dtype=np.uint8)
    top, left = (side - drawn.shape[0]) // 2, (side - drawn.shape[1]) // 2
    canvas[top : top + drawn.shape[0], left : left + drawn.shape[1]] = drawn
    return canvas
