"""The synthetic data set `faces-demo`: training works on a machine with no data and no network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np

from ultra_face.data.annotation import clean_faces
from ultra_face.data.demo_scene import draw_scene
from ultra_face.data.output_folder import claim_folder, publish, staged, write_file
from ultra_face.data.yolo_pose import format_labels

SPLIT_SIZES = {"train": 128, "val": 32}
_JPEG_QUALITY = 92
_RECIPE = 1  # raised when the same seed draws other pictures

DemoJob = tuple[str, int]
"""Split and number of the picture in it."""


def generate_demo(
    output: Path, *, seed: int = 0, progress: Callable[[Sequence[DemoJob]], Iterable[DemoJob]] = iter
) -> None:
    """Draw the data set into the folder `output`: `images/<split>` and `labels/<split>`.

    The same seed gives the same files. A run after an interruption completes the first.

    Args:
        output: Folder of the data set: new, empty, or of an earlier run with the same seed.
        seed: Seed of all pictures.
        progress: Wraps the list of pictures, to show how far the work is.

    Raises:
        FileExistsError: `output` holds files of another origin.
        OutputError: The disk is full or `output` is not writable; running again goes on.
    """
    claim_folder(output, {"demo": "drawn faces", "recipe": _RECIPE, "seed": seed})
    for split, index in progress([(split, index) for split, size in SPLIT_SIZES.items() for index in range(size)]):
        name = f"{index:04d}"
        rng = np.random.default_rng([seed, list(SPLIT_SIZES).index(split), index])
        picture, faces = draw_scene(f"{split}/{name}", rng)
        height, width = picture.shape[:2]
        cleaned = clean_faces(faces, width=width, height=height)
        text = format_labels(cleaned.faces, width=width, height=height)
        write_file(output / "labels" / split / f"{name}.txt", text.encode())
        jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])[1]
        write_file(staged(output / "images" / split) / f"{name}.jpg", jpeg.tobytes())
    for split in SPLIT_SIZES:
        publish(output / "images" / split)
