"""The smallest data set that Ultralytics trains on: noise with one face an image."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

IMAGE_SIZE = 64
# A face over the middle half of the image, its landmarks visible: cx cy w h, then x y v of each landmark.
LABEL = "0 0.5 0.5 0.5 0.5 0.4 0.4 2 0.6 0.4 2 0.5 0.5 2 0.4 0.6 2 0.6 0.6 2\n"


def write_tiny_faces(folder: Path, *, num_images: int = 4) -> Path:
    """Write images and labels, the same for training and validation; return the data YAML."""
    noise = np.random.default_rng(0)
    for kind in ("images", "labels"):
        (folder / kind).mkdir(parents=True)
    for index in range(num_images):
        image = noise.integers(0, 256, (IMAGE_SIZE, IMAGE_SIZE, 3), dtype=np.uint8)
        cv2.imwrite(str(folder / "images" / f"{index}.png"), image)
        (folder / "labels" / f"{index}.txt").write_text(LABEL)
    data = folder / "tiny-faces.yaml"
    data.write_text(
        f"path: {folder}\ntrain: images\nval: images\nnames: {{0: face}}\n"
        "kpt_shape: [5, 3]\nflip_idx: [1, 0, 2, 4, 3]\n"
    )
    return data
