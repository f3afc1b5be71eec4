"""The first picture of the README: what a face model finds in the photographs that Ultralytics ships.

    python benchmarks/plot_predictions.py yolov5n-aesvc-face.pt

Writes `docs/pictures/predictions.jpg`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from ultralytics import YOLO
from ultralytics.utils import ASSETS

import ultra_face
from benchmarks.provenance import REPOSITORY

PICTURE = REPOSITORY / "docs" / "pictures" / "predictions.jpg"
PHOTOGRAPHS = ("zidane.jpg", "bus.jpg")
HEIGHT = 540  # px


def main() -> None:
    """Read the command line, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="face model, .pt")
    parser.add_argument("--confidence", type=float, default=0.5)
    parser.add_argument("--output", type=Path, default=PICTURE)
    options = parser.parse_args()
    ultra_face.register()
    model = YOLO(options.model)
    results = model.predict([str(ASSETS / name) for name in PHOTOGRAPHS], conf=options.confidence, device="cpu")
    drawn = [result.plot(line_width=4, kpt_radius=6) for result in results]
    same_height = [cv2.resize(image, (round(HEIGHT / image.shape[0] * image.shape[1]), HEIGHT)) for image in drawn]
    cv2.imwrite(str(options.output), np.hstack(same_height), [cv2.IMWRITE_JPEG_QUALITY, 88])
    print(f"wrote {options.output}")


if __name__ == "__main__":
    main()
