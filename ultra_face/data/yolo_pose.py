"""YOLO pose label files: one line a face, `0 cx cy w h` then five `x y v`, normalised by the image size.

A missing landmark is `0 0 0`, never -1: Ultralytics rejects a whole image for values below -0.01.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ultra_face.data.annotation import NUM_LANDMARKS, FaceAnnotations, FloatArray

VALUES_PER_FACE = 5 + 3 * NUM_LANDMARKS
_TOLERANCE = 0.01


def format_labels(faces: FaceAnnotations, *, width: int, height: int) -> str:
    """Text of the label file for cleaned `faces` [px] of an image of `width` x `height` [px]."""
    scale = np.array([width, height], dtype=np.float64)
    centres = (faces.boxes_xywh[:, :2] + faces.boxes_xywh[:, 2:] / 2) / scale
    sizes = faces.boxes_xywh[:, 2:] / scale
    points = faces.landmarks[..., :2] / scale
    lines = []
    for centre, size, face_points, visibility in zip(centres, sizes, points, faces.landmarks[..., 2], strict=True):
        box = " ".join(f"{value:.6f}" for value in (*centre, *size))
        landmarks = " ".join(
            f"{x:.6f} {y:.6f} {v:.0f}" if v else "0 0 0" for (x, y), v in zip(face_points, visibility, strict=True)
        )
        lines.append(f"0 {box} {landmarks}\n")
    return "".join(lines)


def read_labels(path: Path) -> tuple[FloatArray, FloatArray]:
    """Read a label file.

    Returns:
        boxes_cxcywh (N, 4) and landmarks (N, 5, 3) as x, y, v; both normalised by the image size.

    Raises:
        ValueError: A line has another number of values than 20, is not numeric, or holds a coordinate outside
            0..1 (with the 1 % tolerance that Ultralytics grants). Names file and line.
    """
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), start=1):
        if line.strip():
            rows.append(_parse_line(line.split(), f"{path}:{number}"))
    values = np.array(rows, dtype=np.float64).reshape(-1, VALUES_PER_FACE)
    return values[:, 1:5], values[:, 5:].reshape(-1, NUM_LANDMARKS, 3)


def read_faces(path: Path, image: str, *, width: int, height: int) -> FaceAnnotations:
    """Read a label file as the faces [px] of `image`, which measures `width` x `height` [px].

    Raises:
        ValueError: As `read_labels`.
    """
    boxes_cxcywh, landmarks = read_labels(path)
    boxes_xywh = np.concatenate([boxes_cxcywh[:, :2] - boxes_cxcywh[:, 2:] / 2, boxes_cxcywh[:, 2:]], axis=1)
    invalid = np.zeros(len(boxes_xywh), dtype=np.bool_)
    normalised = FaceAnnotations(image, str(path), boxes_xywh, landmarks, invalid)
    return normalised.move(scale=(width, height), shift=(0.0, 0.0))


def _parse_line(words: list[str], where: str) -> list[float]:
    remedy = "run tools/prepare_widerface.py to write the labels anew"
    if len(words) != VALUES_PER_FACE:
        raise ValueError(f"{where}: expected {VALUES_PER_FACE} values, got {len(words)}; {remedy}")
    try:
        values = [float(word) for word in words]
    except ValueError as error:
        raise ValueError(f"{where}: expected numbers, got {' '.join(words)!r}; {remedy}") from error
    coordinates = [value for index, value in enumerate(values[1:]) if index < 4 or (index - 4) % 3 < 2]
    for value in coordinates:
        if not -_TOLERANCE <= value <= 1 + _TOLERANCE:
            raise ValueError(f"{where}: expected coordinates from 0 to 1, got {value:g}; {remedy}")
    return values
