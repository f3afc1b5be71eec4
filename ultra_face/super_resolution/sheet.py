"""Sample sheet: reduced crop, bicubic, generator and photograph side by side, a row a crop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from ultra_face.data.output_folder import write_file
from ultra_face.super_resolution.degrade import Degradation, Pixels, degrade, enlarge
from ultra_face.super_resolution.held_out import Enlarge

_HEADER, _GAP = 20, 4  # [px]
_PAPER, _INK = 255, (20, 20, 20)


def comparison(enlarge_ours: Enlarge, crops: Sequence[Pixels], *, scale: int) -> dict[str, list[Pixels]]:
    """The columns of a sheet by their titles; every other crop is reduced with antialiasing, the rest without."""
    rng = np.random.default_rng(0)
    low = [degrade(crop, scale, Degradation.plain(antialias=index % 2 == 0), rng) for index, crop in enumerate(crops)]
    return {
        "low": [image.repeat(scale, axis=0).repeat(scale, axis=1) for image in low],
        "bicubic": [enlarge(image, scale) for image in low],
        "ours": [enlarge_ours(image) for image in low],
        "truth": list(crops),
    }


def draw_sheet(columns: Mapping[str, Sequence[Pixels]]) -> Pixels:
    """One picture RGB of titled columns, whose images (H, W, 3) are all of one size."""
    drawn = []
    for title, images in columns.items():
        height, width = images[0].shape[:2]
        header = np.full((_HEADER, width, 3), _PAPER, dtype=np.uint8)
        cv2.putText(header, title, (2, _HEADER - 6), cv2.FONT_HERSHEY_SIMPLEX, 0.45, _INK, 1, cv2.LINE_AA)
        column = [header]
        for image in images:
            column += [image, np.full((_GAP, width, 3), _PAPER, dtype=np.uint8)]
        drawn += [np.vstack(column), np.full((_HEADER + len(images) * (height + _GAP), _GAP, 3), _PAPER, np.uint8)]
    return np.hstack(drawn[:-1])


def save_sheet(path: Path, columns: Mapping[str, Sequence[Pixels]]) -> None:
    """Write a sheet as PNG.

    Raises:
        OutputError: the file cannot be written.
    """
    picture = cv2.cvtColor(draw_sheet(columns), cv2.COLOR_RGB2BGR)
    write_file(path, cv2.imencode(".png", picture)[1].tobytes())
