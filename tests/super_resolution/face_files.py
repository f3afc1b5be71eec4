"""A prepared data set of smooth pictures with two labelled faces each, one of them small."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

SIZE = (200, 120)  # width and height [px]
# Boxes of 60 x 40 px about (100, 60) and of 10 x 12 px about (20, 24); landmarks of the first alone.
LABELS = (
    "0 0.5 0.5 0.3 0.333333 0.45 0.45 2 0.55 0.45 2 0.5 0.5 1 0.47 0.6 2 0.53 0.6 2\n"
    "0 0.1 0.2 0.05 0.1 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n"
)


def smooth_image(size: tuple[int, int] = SIZE, seed: int = 0) -> np.ndarray:
    """Picture RGB (H, W, 3) of random colours that run into one another."""
    colours = np.random.default_rng(seed).integers(0, 256, (8, 8, 3)).astype(np.uint8)
    return cv2.resize(colours, size, interpolation=cv2.INTER_CUBIC)


def write_faces(folder: Path, num_images: int = 3) -> list[Path]:
    """Images and labels as a prepared data set has them; returns the image files."""
    for kind in ("images", "labels"):
        (folder / kind).mkdir(parents=True)
    files = [folder / "images" / f"{index}.png" for index in range(num_images)]
    for index, file in enumerate(files):
        cv2.imwrite(str(file), smooth_image(seed=index))
        (folder / "labels" / f"{index}.txt").write_text(LABELS)
    return files
