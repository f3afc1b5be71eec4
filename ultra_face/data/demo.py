"""The synthetic data set `faces-demo`: training works on a machine with no data and no network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from ultra_face.data.demo_scene import draw_scene
from ultra_face.data.labelled_image import LabelledImage, write_labelled_image
from ultra_face.data.output_folder import claim_folder, publish

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
        rng = np.random.default_rng([seed, list(SPLIT_SIZES).index(split), index])
        scene = LabelledImage(*draw_scene(f"{index:04d}.jpg", rng))
        write_labelled_image(scene, output, split, jpeg_quality=_JPEG_QUALITY)
    for split in SPLIT_SIZES:
        publish(output / "images" / split)
