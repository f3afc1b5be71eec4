"""Detectors as teachers: each looks at a photograph at several sizes and mirrored, and their faces become votes.

The faces of several lists that overlap are one. Its box and landmarks are means, weighed by the squares of the scores.
Lists are what one teacher sees in its views, then what all teachers found.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.table import is_known, open_detector
from ultra_face.detection.views import Plan, View
from ultra_face.detector import IMAGE_SIZE, FaceDetector
from ultra_face.evaluation.matching import inclusive_iou
from ultra_face.faces import Faces

Image = NDArray[np.uint8]
Teacher = Callable[[Image], Faces]
"""A photograph (H, W, 3) BGR -> its faces [px of the photograph]."""

SAME_FACE = 0.5  # IoU from which two boxes show one face
APART = 0.4  # IoU beyond which what is left beside a better face is a part of it
LEAST_SCORE = 0.25  # below which a teacher sees nothing


def open_teacher(file: Path) -> Teacher:
    """A detector of `benchmarks/peers/table.py` by its name, or a face model of Ultralytics in any of its formats.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a file of another kind.
    """
    if is_known(file):
        return open_detector(file, confidence=LEAST_SCORE)
    return FaceDetector(file, conf=LEAST_SCORE)


def views(height: int, width: int, sizes: Sequence[int], *, mirror: bool) -> list[View]:
    """What is shown of a photograph to teachers whose input has a side of 640 px.

    Up to that size it is the whole photograph. A larger one shows it in tiles that overlap, each enlarged as the whole
    would be, so that networks of a fixed input see it as well. Only the whole is mirrored.

    Args:
        height: of the photograph [px].
        width: of the photograph [px].
        sizes: long sides that the photograph is brought to [px].
        mirror: whether the whole is shown mirrored, too.
    """
    square = ((IMAGE_SIZE, IMAGE_SIZE),)
    shown = Plan(square, flip=mirror).views((height, width))
    for size in sizes:
        tile = round(max(height, width) * IMAGE_SIZE / size)
        shown += Plan(square, tile=max(tile, 1)).views((height, width))[1:]
    return shown


def look(teacher: Teacher, image: Image, sizes: Sequence[int], *, mirror: bool) -> Faces:
    """Faces of a photograph (H, W, 3) from all of its views, each with the score of the view that shows it best."""
    found = []
    for view in views(*image.shape[:2], sizes, mirror=mirror):
        seen = teacher(view.pixels(image))
        seen = view.pixels_to_photograph(Faces(seen.boxes_xyxy, seen.landmarks, seen.scores))
        found.append(seen[~view.is_cut(seen)])
    return replace(unite(found), data={})


def vote(found: Sequence[Faces]) -> Faces:
    """What all teachers found in one photograph -> its faces, with the number of teachers as `data["votes"]`.

    The score is the mean over all teachers, 0 of those that do not see the face.
    """
    faces = unite(found)
    scores = faces.data["scores"]
    return replace(faces, scores=scores.mean(axis=1), data={"votes": (scores > 0).sum(axis=1)})


def unite(parts: Sequence[Faces]) -> Faces:
    """Faces of several lists of one image, the best first, with the score in each of the P lists as `data["scores"]`.

    The best face that is left takes all that overlap it by `SAME_FACE`. Its score is theirs in each list, 0 where none
    has it. A landmark that a detector does not give has no weight.
    """
    whole = Faces.concatenate([replace(part, data={"part": np.full(len(part), i)}) for i, part in enumerate(parts)])
    if not len(whole):
        return replace(whole, data={"scores": np.zeros((0, len(parts)))})
    whole = whole.sort()
    free, groups = np.ones(len(whole), bool), []
    boxes = whole.boxes_xywh
    for best in range(len(whole)):
        if free[best]:
            overlaps = inclusive_iou(boxes[best : best + 1], boxes)[0]
            groups.append(np.flatnonzero((overlaps >= SAME_FACE) & free))
            free[groups[-1]] = False
    return Faces.concatenate([_mean(whole[group], len(parts)) for group in groups]).nms(APART)


def _mean(group: Faces, num_parts: int) -> Faces:
    """One face (1,) of those of a group, and its score in each list."""
    weights = group.scores.astype(np.float64) ** 2
    known = np.isfinite(group.landmarks).all(axis=2, keepdims=True)
    of_points = known * weights[:, None, None]
    points = (np.where(known, group.landmarks, 0) * of_points).sum(axis=0)
    sums = of_points.sum(axis=0)
    landmarks = np.divide(points, sums, out=np.full(points.shape, np.nan), where=sums > 0)
    scores = np.zeros(num_parts)
    np.maximum.at(scores, group.data["part"], group.scores)
    box = np.average(group.boxes_xyxy, axis=0, weights=weights)
    return Faces(box[None], landmarks[None], scores.max(keepdims=True), data={"scores": scores[None]})
