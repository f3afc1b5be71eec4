"""Where a detector ends: the photographs that Ultralytics ships, turned, blurred, darkened and reduced step by step.

    python benchmarks/plot_limits.py yolov5n-aesvc-face.pt

Writes `docs/pictures/limits.jpg`: a row a kind of change, harder to the right, with the faces found in each.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from ultralytics import YOLO
from ultralytics.utils import ASSETS

import ultra_face
from benchmarks.provenance import REPOSITORY

Image = NDArray[np.uint8]
PICTURE = REPOSITORY / "docs" / "pictures" / "limits.jpg"
CELL = (320, 180)  # width and height [px]


def main() -> None:
    """Read the command line, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="face model, .pt")
    parser.add_argument("--photograph", type=Path, default=ASSETS / "zidane.jpg")
    parser.add_argument("--confidence", type=float, default=0.25)
    parser.add_argument("--output", type=Path, default=PICTURE)
    options = parser.parse_args()
    ultra_face.register()
    model, photograph = YOLO(options.model), cv2.imread(str(options.photograph))
    rows = []
    for name, (change, degrees) in CHANGES.items():
        cells = []
        for degree in degrees:
            (result,) = model.predict(change(photograph, degree), conf=options.confidence, device="cpu", verbose=False)
            cells.append(cell(result.plot(labels=False, kpt_radius=4), f"{name} {degree:g}: {len(result)} faces"))
        rows.append(np.hstack(cells))
    cv2.imwrite(str(options.output), np.vstack(rows), [cv2.IMWRITE_JPEG_QUALITY, 85])
    print(f"wrote {options.output}")


def turned(image: Image, degrees: float) -> Image:
    """Turn about the middle, to the left [degrees]."""
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 0.8)
    return np.asarray(cv2.warpAffine(image, matrix, (width, height), borderValue=(114, 114, 114)), np.uint8)


def blurred(image: Image, sigma: float) -> Image:
    """Gaussian blur [px of the photograph]."""
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma) if sigma else image, np.uint8)


def darkened(image: Image, factor: float) -> Image:
    """Multiply the light, then add the noise of a sensor."""
    noise = np.random.default_rng(0).normal(0, 4, image.shape)
    return (image * factor + noise).clip(0, 255).astype(np.uint8)


def reduced(image: Image, factor: float) -> Image:
    """Reduce, on a canvas of the same size."""
    small = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    canvas = np.full_like(image, 114)
    canvas[: small.shape[0], : small.shape[1]] = small
    return canvas


CHANGES: dict[str, tuple[Callable[[Image, float], Image], tuple[float, ...]]] = {
    "turned [degrees]": (turned, (0, 30, 60, 90)),
    "blurred [px]": (blurred, (2, 6, 12, 20)),
    "darkened x": (darkened, (0.3, 0.1, 0.05, 0.02)),
    "reduced x": (reduced, (0.5, 0.2, 0.1, 0.06)),
}


def cell(image: Image, text: str) -> Image:
    """One picture of the sheet with its words."""
    picture = cv2.resize(image, CELL, interpolation=cv2.INTER_AREA)
    picture[-24:] = 0
    cv2.putText(picture, text, (6, CELL[1] - 8), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 255), 1, cv2.LINE_AA)
    return np.asarray(picture, np.uint8)


if __name__ == "__main__":
    main()
