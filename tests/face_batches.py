"""Batches of faces as Ultralytics hands them to a criterion, for the tests of the losses."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

# Where the five landmarks lie in a face's box, as fractions of width and height.
TEMPLATE = torch.tensor([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]])

# Image of the batch, then centre and size as fractions of the image.
FACES = (
    (0, 0.31, 0.42, 0.20, 0.26),
    (0, 0.72, 0.66, 0.50, 0.61),
    (1, 0.55, 0.23, 0.06, 0.08),
)


def face_batch(
    faces: Sequence[tuple[int, float, float, float, float]] = FACES,
    *,
    visibility: float = 2.0,
    values: int = 3,
) -> dict[str, Tensor]:
    """A pose batch of these faces, their landmarks placed by the template.

    Args:
        faces: image, centre and size of each face.
        visibility: flag of every landmark; 0 writes a face without landmarks, as the labels do.
        values: 3 for landmarks with a flag, 2 without.
    """
    rows = torch.tensor(faces, dtype=torch.float32).view(-1, 5)
    boxes = rows[:, 1:]
    landmarks = boxes[:, None, :2] + (TEMPLATE - 0.5) * boxes[:, None, 2:]
    flags = torch.full((len(rows), 5, 1), visibility)
    keypoints = torch.cat([landmarks, flags], 2) if visibility else torch.zeros(len(rows), 5, 3)
    return {
        "batch_idx": rows[:, 0],
        "cls": torch.zeros(len(rows), 1),
        "bboxes": boxes,
        "keypoints": keypoints[..., :values],
    }


DIFFICULT = {
    "no face": face_batch(()),
    "no landmark": face_batch(visibility=0.0),
    "box without width": face_batch([(0, 0.5, 0.5, 0.0, 0.2), *FACES]),
    "box without size": face_batch([(0, 0.5, 0.5, 0.0, 0.0)]),
    "box at the far corner": face_batch([(1, 1.0, 1.0, 0.3, 0.3)]),
    "larger than the image": face_batch([(0, 0.5, 0.5, 1.0, 1.0)]),
    "smaller than a pixel": face_batch([(0, 0.5, 0.5, 1e-4, 1e-4)]),
    "the same face twice": face_batch([FACES[0], FACES[0]]),
    "five hundred faces in one place": face_batch([FACES[0]] * 500),
}
