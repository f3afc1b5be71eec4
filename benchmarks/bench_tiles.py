"""Tiles on photographs of 12 megapixels, beside larger inputs and the second look: recall and AP by face height.

No labelled photographs of that size are at hand, so each is made of many, side by side in their own pixels, from a
validation split. All systems are a `FaceDetector` of the same checkpoint, and take turns on each.

    python benchmarks/bench_tiles.py DETECTOR.pt --data DATA.yaml --data-name "..."

The figures go to `results/tiles.json`.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.bench_refinement import read_photographs, run, with_model, write_systems
from benchmarks.provenance import provenance
from ultra_face import FaceDetector, Faces
from ultra_face.formats.image_files import LETTERBOX_GREY

HEIGHT, WIDTH = 3000, 4000  # of the large photographs [px]
CONFIDENCE, MAX_FACES = 0.01, 5000
INPUTS = (640, 1280, 1920)
WINDOWS = 16  # of the second look

Photograph = tuple[str, NDArray[np.uint8], NDArray[np.float64]]


class System:
    """A way to detect faces; the time is added up."""

    def __init__(self, name: str, model: str | Path, **options: Any) -> None:
        self.name, self.seconds = name, 0.0
        self._detector = FaceDetector(model, conf=CONFIDENCE, max_faces=MAX_FACES, device="cpu", **options)

    def __call__(self, image: NDArray[np.uint8]) -> Faces:
        """Detections in pixels of the image."""
        started = time.perf_counter()
        found = self._detector(image)
        self.seconds += time.perf_counter() - started
        return found


def large_photographs(photographs: Iterable[Photograph]) -> Iterator[Photograph]:
    """Photographs side by side in rows, as they come, until the next does not fit; the last one may be half empty."""
    image, faces, count = np.full((HEIGHT, WIDTH, 3), LETTERBOX_GREY, np.uint8), [np.zeros((0, 4))], 0
    left = top = row_height = 0
    for _, pixels, boxes_xywh in photographs:
        height, width = pixels.shape[:2]
        if left + width > WIDTH:
            left, top, row_height = 0, top + row_height, 0
        if top + height > HEIGHT:
            yield f"large/{count:03d}", image, np.concatenate(faces)
            image, faces, count = np.full_like(image, LETTERBOX_GREY), [np.zeros((0, 4))], count + 1
            left = top = row_height = 0
        image[top : top + height, left : left + width] = pixels
        faces.append(boxes_xywh + (left, top, 0, 0))
        left, row_height = left + width, max(row_height, height)
    yield f"large/{count:03d}", image, np.concatenate(faces)


def main() -> None:
    """Run all systems over all photographs, then write the result file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("detector", help="trained face model, .pt")
    parser.add_argument("--data", required=True, help="data YAML; its validation split is used")
    parser.add_argument("--data-name", required=True, help="the data in words, for the record")
    parser.add_argument("--images", type=int, help="about so many small photographs, evenly spread (default: all)")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    config = {name: getattr(options, name) for name in ("detector", "images", "threads")}
    record = provenance(config | {"height": HEIGHT, "width": WIDTH, "inputs": INPUTS}, options.data_name, None)
    photographs = list(large_photographs(read_photographs(Path(options.data), options.images)))
    with tempfile.TemporaryDirectory() as folder:
        refined = Path(folder, "refined.pt")
        with_model(options.detector, settings={"blocks": 0, "windows": WINDOWS, "photograph": True}).save(refined)
        systems = [System(f"whole, {side} px", options.detector, imgsz=side) for side in INPUTS]
        systems.append(System(f"second look, 640 px, K = {WINDOWS}", refined))
        systems += [System("tiles of 640 px", options.detector, tile=640)]
        systems += [System("tiles of 1280 px", options.detector, tile=1280)]
        torch.set_num_threads(options.threads)  # after Ultralytics has set them
        cv2.setNumThreads(options.threads)
        figures = run(systems, photographs, 1)  # type: ignore[arg-type]
    write_systems("tiles", "systems", figures, record, len(photographs))


if __name__ == "__main__":
    main()
