"""Heads that turn in training: a face of a photograph that Ultralytics ships, by yaw and pitch, with its landmarks.

    python benchmarks/plot_turned_heads.py

Writes `docs/pictures/turned-heads.jpg`: yaw from column to column, pitch from row to row, the photograph in the middle.
A landmark that the turned head hides is a ring.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from ultralytics.utils import ASSETS

from benchmarks.provenance import REPOSITORY
from ultra_face import FaceDetector
from ultra_face.data.head_turning import turn_face

PICTURE = REPOSITORY / "docs" / "pictures" / "turned-heads.jpg"
YAWS, PITCHES = (-45, -30, -15, 0, 15, 30, 45), (25, 0, -25)  # [degrees]
SIDE, MARGIN = 150, 0.45  # of a cell [px], and round the box as a share of it
VISIBLE = 2
COLOUR = (0, 255, 255)


def main() -> None:
    """Read the command line, turn, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photograph", type=Path, default=ASSETS / "zidane.jpg")
    parser.add_argument("--face", type=int, default=0, help="its number, the best first")
    parser.add_argument("--output", type=Path, default=PICTURE)
    options = parser.parse_args()
    photograph = cv2.imread(str(options.photograph))
    if photograph is None:
        raise SystemExit(f"{options.photograph}: expected an image, got none; check the path")
    face = FaceDetector()(photograph)[options.face]
    landmarks = np.column_stack([face.landmarks, np.full(len(face.landmarks), VISIBLE)]).astype(np.float64)
    rows = []
    for pitch in PITCHES:
        cells = []
        for yaw in YAWS:
            box = np.asarray(face.box, np.float64)
            turned = turn_face(photograph, box, landmarks, yaw=yaw, pitch=pitch, others=np.zeros((0, 4)))
            if turned is None:
                raise SystemExit(f"{options.photograph}: expected a face that can turn, got another; choose --face")
            cells.append(cell(turned.pixels, box, turned.box, turned.landmarks))
        rows.append(np.hstack(cells))
    cv2.imwrite(str(options.output), np.vstack(rows), [cv2.IMWRITE_JPEG_QUALITY, 85])
    print(f"wrote {options.output}")


def cell(
    pixels: NDArray[np.uint8], place: NDArray[np.float64], box: NDArray[np.float64], landmarks: NDArray[np.float64]
) -> NDArray[np.uint8]:
    """The surroundings of a box [px] in a cell, with another box and landmarks drawn."""
    middle, half = (place[:2] + place[2:]) / 2, (0.5 + MARGIN) * (place[2:] - place[:2]).max()
    scale = SIDE / (2 * half)
    matrix = np.array([[scale, 0, SIDE / 2 - scale * middle[0]], [0, scale, SIDE / 2 - scale * middle[1]]])
    drawn = cv2.warpAffine(pixels, matrix, (SIDE, SIDE), flags=cv2.INTER_AREA)
    corners = (box.reshape(2, 2) * scale + matrix[:, 2]).round().astype(int)
    cv2.rectangle(drawn, *corners.tolist(), COLOUR, 1, cv2.LINE_AA)
    for x, y, visibility in landmarks:
        point = (np.array([x, y]) * scale + matrix[:, 2]).round().astype(int).tolist()
        cv2.circle(drawn, point, 3, COLOUR, -1 if visibility == VISIBLE else 1, cv2.LINE_AA)
    return np.asarray(drawn, np.uint8)


if __name__ == "__main__":
    main()
