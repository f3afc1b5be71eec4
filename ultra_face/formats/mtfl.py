"""Photos of single faces with five landmarks and no boxes, as in MTFL; their boxes are derived from the landmarks.

A line of `landmarks.txt` is a path and x1..x5 y1..y5 [px of the photo], in our order: eye, eye, nose, mouth corner,
mouth corner. Source: Zhang et al., "Facial Landmark Detection by Deep Multi-task Learning", 2014, whose tracing
files state the x of all points before the y.

An upright box follows from five points p by four constants: with m their mean and s = sqrt(mean |p - m|^2),

    centre = m + MOUTH_SHIFT (mouth - eyes) + NOSE_SHIFT (nose - m),    (width, height) = SIZE s

where mouth and eyes are the middles of the pairs. The second term puts the centre towards the forehead; the third
moves it to the back of a head that is turned away, whose nose is ahead of the other points.

Derivation: least squares of the error in units of sqrt(width height), so that every face counts alike, over the
1,763 faces with five landmarks of the 549 WIDER FACE photographs that `train.txt` of wider-train-649 lists. The
residuals (root mean square, same unit) are 0.066 and 0.084 in x and y of the centre, 0.126 in width and 0.143 in
height; derived and annotated boxes have a mean IoU of 0.773. On the 366 such faces of `dev.txt`, which took no
part, it is 0.778. `tests/data/test_mtfl.py` fits again and compares.
"""

from __future__ import annotations

import numpy as np

from ultra_face.formats.annotation import NUM_LANDMARKS, FaceAnnotations, FloatArray, is_image_path, parse_numbers

MOUTH_SHIFT = -0.142
NOSE_SHIFT = -1.208
SIZE = (3.529, 4.620)

_VISIBLE = 2.0


def boxes_from_landmarks(points: FloatArray) -> FloatArray:
    """Boxes (N, 4) left, top, width, height from points (N, 5, 2); both in pixels."""
    mean = points.mean(axis=1)
    scale = np.sqrt(((points - mean[:, None]) ** 2).sum(axis=2).mean(axis=1))
    eyes, nose, mouth = points[:, :2].mean(axis=1), points[:, 2], points[:, 3:].mean(axis=1)
    centres = mean + MOUTH_SHIFT * (mouth - eyes) + NOSE_SHIFT * (nose - mean)
    sizes = scale[:, None] * np.array(SIZE)
    return np.concatenate([centres - sizes / 2, sizes], axis=1)


def parse_mtfl(text: str, source: str) -> list[FaceAnnotations]:
    """Parse a whole `landmarks.txt`; `source` names it in errors. All landmarks count as visible.

    Raises:
        ValueError: With `source:line`, what was expected and what came; an image that is listed twice as well.
    """
    images: dict[str, FaceAnnotations] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            entry = _parse_line(line, f"{source}:{number}")
            if entry.image in images:
                raise ValueError(
                    f"{entry.where}: expected each image once, got {entry.image} again; remove one of the two"
                )
            images[entry.image] = entry
    return list(images.values())


def _parse_line(line: str, where: str) -> FaceAnnotations:
    image, *numbers = line.strip().rsplit(maxsplit=2 * NUM_LANDMARKS)
    if len(numbers) != 2 * NUM_LANDMARKS or not is_image_path(image):
        raise ValueError(f"{where}: expected the path of an image, five x and five y, got {line!r}; correct the line")
    points = np.array(parse_numbers(" ".join(numbers), where)).reshape(2, NUM_LANDMARKS).T[None]
    return FaceAnnotations(
        image=image,
        where=where,
        boxes_xywh=boxes_from_landmarks(points),
        landmarks=np.concatenate([points, np.full((1, NUM_LANDMARKS, 1), _VISIBLE)], axis=2),
        invalid=np.zeros(1, dtype=np.bool_),
    )
