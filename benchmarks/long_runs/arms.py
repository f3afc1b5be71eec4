"""The arms of `benchmarks/endurance.py`: what each runs for long. Each runs in a process of its own, which this starts.

python -m benchmarks.long_runs.arms NAME --film FILM --models FOLDER --seconds 10 --output FILE
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.long_runs.samples import watch
from benchmarks.onnx_threads import onnx_threads
from ultra_face import FaceDetector

IMAGE_HW = (128, 224)
"""Height and width of the input of fixed size [px]."""
SIZES_INPUT = 224
"""Long side of the input for images of many sizes [px]."""
CONFIDENCE = 0.5
NUM_SIZES, SHORTEST, LONGEST = 300, 64, 1000
"""Images of many sizes: how many sizes, and their sides [px]."""


@dataclass(frozen=True)
class Arm:
    """A long run: how many faces it finds, image by image, with a file of the models' folder on a film."""

    model: str
    faces: Callable[[Path, Path], Iterator[int]]


def tracked(model: Path, film: Path) -> Iterator[int]:
    """Ultralytics' tracking, frame by frame."""
    import torch  # here: the arms of ONNX Runtime do not need it
    from ultralytics import YOLO

    results = YOLO(model, task="pose").track(
        film, stream=True, persist=True, imgsz=list(IMAGE_HW), conf=CONFIDENCE, device="cpu", verbose=False
    )
    for result in results:
        torch.set_num_threads(1)  # Ultralytics sets them at its first run
        yield len(result)


def streamed(model: Path, film: Path) -> Iterator[int]:
    """`FaceDetector` on the frames of the film."""
    for faces in FaceDetector(model, conf=CONFIDENCE).stream(film):
        yield len(faces)


def in_many_sizes(model: Path, film: Path) -> Iterator[int]:
    """`FaceDetector` on frames of the film, each brought to one of many sizes."""
    detector = FaceDetector(model, conf=CONFIDENCE, imgsz=SIZES_INPUT)
    for image in images_of_sizes(film, num_images=10_000):
        yield len(detector(image))


def images_of_sizes(film: Path, *, num_images: int, num_sizes: int = NUM_SIZES) -> Iterator[NDArray[np.uint8]]:
    """Frames of a film in turns, each resized to one of so many random sizes."""
    sides = np.random.default_rng(0).integers(SHORTEST, LONGEST, (num_sizes, 2), endpoint=True)
    capture = cv2.VideoCapture(str(film))
    try:
        for number in range(num_images):
            is_there, frame = capture.read()
            if not is_there:
                capture.open(str(film))
                _, frame = capture.read()
            width, height = sides[number % num_sizes].tolist()
            yield np.asarray(cv2.resize(frame, (width, height)), np.uint8)
    finally:
        capture.release()


ARMS = {
    "FaceDetector.stream, ONNX Runtime": Arm("plain.onnx", streamed),
    "FaceDetector, 300 sizes of images": Arm("any-size.onnx", in_many_sizes),
    "YOLO.track, ONNX Runtime": Arm("plain.onnx", tracked),
    "YOLO.track, PyTorch": Arm("plain.pt", tracked),
    "YOLO.track, ONNX Runtime, second look": Arm("refined.onnx", tracked),
    "YOLO.track, PyTorch, second look": Arm("refined.pt", tracked),
}


def main() -> None:
    """Run one arm with one thread, and write its samples."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("arm", choices=ARMS)
    parser.add_argument("--film", type=Path, required=True)
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--seconds", type=float, required=True, help="time from sample to sample")
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    arm = ARMS[options.arm]
    cv2.setNumThreads(1)
    with onnx_threads(1):
        samples = watch(arm.faces(options.models / arm.model, options.film), seconds=options.seconds)
    found: list[dict[str, Any]] = [sample._asdict() for sample in samples]
    options.output.write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
