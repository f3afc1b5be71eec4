"""Complete the labels of a prepared data set from what other detectors find: distillation, to be said in a model card.

A face that all teachers agree on and that has no label gets one, and a label without landmarks gets those of the first
teacher. Teachers look at the whole photograph and at four overlapping quarters, which enlarges small faces.

    python training/complete_labels.py datasets/crowd --output datasets/crowd-complete --teachers A.onnx B.onnx

The new data set holds the training images alone, for the use of `train:` in a data YAML.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from ultralytics.utils import TQDM

from benchmarks.peers.detector import Detector
from benchmarks.peers.suppression import suppress
from benchmarks.peers.table import open_detector
from ultra_face.data.training_set import (
    SPLIT,
    LabelledImage,
    list_training_images,
    read_labelled_image,
    write_training_set,
)
from ultra_face.evaluation.matching import inclusive_iou
from ultra_face.faces import Faces
from ultra_face.formats.annotation import FaceAnnotations
from ultra_face.formats.result_files import to_rows

QUARTER = 0.6  # side of a quarter as a share of the photograph's: neighbours overlap by a fifth of it
SAME_FACE = 0.5  # IoU from which two boxes show one face
NEAR_A_LABEL = 0.2  # IoU from which a found face is taken for a labelled one, perhaps placed otherwise
SURE = 0.5  # lowest score of a face that is added


def complete(labels: FaceAnnotations, found: Sequence[Faces]) -> tuple[FaceAnnotations, Counter[str]]:
    """Add what the teachers agree on to the labels of one image.

    Args:
        labels: the faces [px] as they are labelled.
        found: what each teacher found [px]; boxes and landmarks are taken from the first.

    Returns:
        The labels with the new faces at the end, and how many faces and sets of landmarks were added.
    """
    first, *others = found
    landmarks = labels.landmarks.copy()
    overlaps = inclusive_iou(labels.boxes_xywh, _xywh(first))
    described = 0
    for face in np.flatnonzero(~(landmarks[..., 2] > 0).any(axis=1)) if len(first) else ():
        best = overlaps[face].argmax()
        if overlaps[face, best] >= SAME_FACE and first.scores[best] >= SURE:
            landmarks[face] = _visible(first.landmarks[best])
            described += 1
    new = (first.scores >= SURE) & ~(overlaps >= NEAR_A_LABEL).any(axis=0)
    for other in others:
        new &= (inclusive_iou(_xywh(first), _xywh(other)[other.scores >= SURE]) >= SAME_FACE).any(axis=1)
    completed = replace(
        labels,
        boxes_xywh=np.concatenate([labels.boxes_xywh, _xywh(first)[new]]),
        landmarks=np.concatenate([landmarks, _visible(first.landmarks[new])]),
        invalid=np.concatenate([labels.invalid, np.zeros(int(new.sum()), np.bool_)]),
    )
    return completed, Counter(faces=int(new.sum()), landmarks=described)


def look(detector: Detector, image: NDArray[np.uint8]) -> Faces:
    """Faces of a photograph (H, W, 3) from the whole and from four overlapping quarters, duplicates suppressed."""
    height, width = image.shape[:2]
    tall, wide = round(QUARTER * height), round(QUARTER * width)
    corners = [(0, 0), (0, width - wide), (height - tall, 0), (height - tall, width - wide)]
    views = [((0, 0), image)] + [((y, x), image[y : y + tall, x : x + wide]) for y, x in corners]
    parts = [_moved(detector(np.ascontiguousarray(view)), x=x, y=y) for (y, x), view in views]
    faces = Faces.concatenate(parts)
    kept = suppress(faces.boxes_xyxy, faces.scores, iou_threshold=detector.nms_iou, num_candidates=detector.CANDIDATES)
    return faces[kept]


def main() -> None:
    """Read the command line, complete, report."""
    options = _options()
    teachers = [open_detector(file, confidence=SURE) for file in options.teachers]
    origin = {"completed_from": str(options.dataset.resolve()), "teachers": [file.name for file in options.teachers]}
    added: Counter[str] = Counter()

    def completed(names: Any) -> Iterator[LabelledImage]:
        for name in names:
            image = read_labelled_image(options.dataset, SPLIT, name)
            faces, counts = complete(image.faces, [look(teacher, image.pixels) for teacher in teachers])
            added.update(counts)
            yield LabelledImage(image.pixels, replace(faces, image=str(Path(name).with_suffix(".jpg"))))

    progress = partial(TQDM, desc="photographs")
    try:
        print(write_training_set(options.output, origin, completed(progress(list_training_images(options.dataset)))))
    except (OSError, ValueError) as error:
        sys.exit(f"complete_labels: {error}")
    print(f"added {added['faces']:,} faces, and landmarks to {added['landmarks']:,} labels")


def _xywh(faces: Faces) -> NDArray[np.float64]:
    return to_rows(faces.boxes_xyxy, faces.scores)[:, :4]


def _visible(points: NDArray[np.float32]) -> NDArray[np.float64]:
    """Landmarks (..., 5, 2) [px] as x, y and visibility 2; all 0 where a detector has none."""
    known = np.isfinite(points).all(axis=-1, keepdims=True)
    return np.where(known, np.concatenate([points, np.full((*points.shape[:-1], 1), 2.0)], axis=-1), 0.0)


def _moved(faces: Faces, *, x: int, y: int) -> Faces:
    shift = np.array([x, y], np.float32)
    return Faces(faces.boxes_xyxy + np.tile(shift, 2), faces.landmarks + shift, faces.scores)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path, help="prepared data set, with images/train and labels/train")
    parser.add_argument("--output", required=True, type=Path, help="folder of the data set to write")
    parser.add_argument(
        "--teachers", required=True, nargs="+", type=Path, help="ONNX files of detectors in peers/table.py"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
