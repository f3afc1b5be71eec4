"""YOLO label files: one line a face, `class cx cy w h` then its landmarks, normalised by the image size.

With `kpt_shape: [5, 3]`, as this package writes, five `x y v` follow, with `[5, 2]` five `x y`, in data without
landmarks nothing. A missing landmark is `0 0 0` or `0 0`, never -1: Ultralytics rejects a whole image for values
below -0.01.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from enum import IntEnum
from pathlib import Path

import numpy as np

from ultra_face.formats.annotation import NUM_LANDMARKS, FaceAnnotations, FloatArray
from ultra_face.formats.files import read_text

_BOX_END = 5
_VISIBLE = 2.0
_TOLERANCE = 0.01
_REMEDY = "run `ultra-face prepare` to write the labels anew"


class RowLayout(IntEnum):
    """How many numbers a row gives each landmark, the second number of `kpt_shape`; none in data of boxes only."""

    BOX = 0
    POINTS = 2
    VISIBILITY = 3

    @property
    def row_length(self) -> int:
        """Values of a row: class, box and landmarks."""
        return _BOX_END + self * NUM_LANDMARKS


_LAYOUTS = {layout.row_length: layout for layout in RowLayout}


def label_file(image: Path) -> Path:
    """Where training looks for the labels of an image: `.txt`, below `labels` for the last folder called `images`."""
    images, labels = (f"{os.sep}{name}{os.sep}" for name in ("images", "labels"))
    return Path(labels.join(str(image).rsplit(images, 1)).rsplit(".", 1)[0] + ".txt")


def format_labels(faces: FaceAnnotations, *, width: int, height: int, layout: RowLayout = RowLayout.VISIBILITY) -> str:
    """Text of the label file for cleaned `faces` [px] of an image of `width` x `height` [px]."""
    scale = np.array([width, height], dtype=np.float64)
    centres = (faces.boxes_xywh[:, :2] + faces.boxes_xywh[:, 2:] / 2) / scale
    sizes = faces.boxes_xywh[:, 2:] / scale
    points = faces.landmarks[..., :2] / scale
    lines = []
    rows = zip(faces.class_numbers, centres, sizes, points, faces.landmarks[..., 2], strict=True)
    for number, centre, size, face_points, visibility in rows:
        words = [str(number), *(f"{value:.6f}" for value in (*centre, *size))]
        for (x, y), v in zip(face_points, visibility, strict=True):
            landmark = (f"{x:.6f}", f"{y:.6f}", f"{v:.0f}") if v else ("0", "0", "0")
            words += landmark[:layout]
        lines.append(" ".join(words) + "\n")
    return "".join(lines)


def read_layout(path: Path) -> RowLayout:
    """The layout of a label file's rows; that of boxes where there is no row.

    Raises:
        ValueError: As `read_labels`, for the first row.
    """
    return next((_layout(values, where) for values, where in _rows(path)), RowLayout.BOX)


def read_labels(path: Path) -> tuple[FloatArray, FloatArray]:
    """Read a label file of any layout; where there is none, an image has no faces, as in training.

    Returns:
        boxes_cxcywh (N, 4) and landmarks (N, 5, 3) as x, y, v; both normalised by the image size. In rows without
        visibility, a landmark at the origin or left of or above the image is missing, and others are visible.

    Raises:
        ValueError: A line has another number of values than 20, 15 or 5, or than the first line, is not numeric, or
            holds a coordinate outside 0..1 (with the 1 % tolerance that Ultralytics grants). Names file and line.
    """
    table, layout = _read_table(path)
    return table[:, 1:_BOX_END], _landmarks(table[:, _BOX_END:], layout)


def _read_table(path: Path) -> tuple[FloatArray, RowLayout]:
    """All rows (N, 20, 15 or 5) of a label file, see `read_labels`."""
    rows: list[list[float]] = []
    layout = RowLayout.VISIBILITY
    for values, where in _rows(path):
        if not rows:
            layout = _layout(values, where)
        elif len(values) != layout.row_length:
            raise ValueError(f"{where}: expected {layout.row_length} values, got {len(values)}; {_REMEDY}")
        _check_coordinates(values[1:_BOX_END], where)
        for start in range(_BOX_END, len(values), layout or 1):
            _check_coordinates(values[start : start + 2], where)
        rows.append(values)
    return np.array(rows, dtype=np.float64).reshape(-1, layout.row_length), layout


def read_boxes(path: Path) -> FloatArray:
    """As `read_labels`, boxes_cxcywh (N, 4) alone, whatever landmarks follow them.

    Raises:
        ValueError: A line has fewer than 5 values, is not numeric, or its box is outside 0..1 (with the 1 % tolerance
            that Ultralytics grants). Names file and line.
    """
    boxes = []
    for values, where in _rows(path):
        if len(values) < _BOX_END:
            raise ValueError(f"{where}: expected {_BOX_END} values or more, got {len(values)}; {_REMEDY}")
        _check_coordinates(values[1:_BOX_END], where)
        boxes.append(values[1:_BOX_END])
    return np.array(boxes, dtype=np.float64).reshape(-1, 4)


def read_faces(path: Path, image: str, *, width: int, height: int) -> FaceAnnotations:
    """Read a label file as the faces [px] of `image`, which measures `width` x `height` [px].

    Raises:
        ValueError: As `read_labels`, or a class is no whole number of 0 or more.
    """
    table, layout = _read_table(path)
    classes = table[:, 0]
    if len(wrong := classes[(classes < 0) | (classes != classes.round())]):
        raise ValueError(f"{path}: expected the number of a class before each box, got {wrong[0]:g}; {_REMEDY}")
    boxes_cxcywh, landmarks = table[:, 1:_BOX_END], _landmarks(table[:, _BOX_END:], layout)
    boxes_xywh = np.concatenate([boxes_cxcywh[:, :2] - boxes_cxcywh[:, 2:] / 2, boxes_cxcywh[:, 2:]], axis=1)
    invalid = np.zeros(len(boxes_xywh), dtype=np.bool_)
    normalised = FaceAnnotations(image, str(path), boxes_xywh, landmarks, invalid, classes=classes.astype(np.int64))
    return normalised.move(scale=(width, height), shift=(0.0, 0.0))


def _rows(path: Path) -> Iterator[tuple[list[float], str]]:
    """The numbers of each line that is not blank, and where it stands; none where there is no file."""
    text = read_text(path) if path.is_file() else ""
    for number, line in enumerate(text.splitlines(), start=1):
        words, where = line.split(), f"{path}:{number}"
        try:
            values = [float(word) for word in words]
        except ValueError as error:
            raise ValueError(f"{where}: expected numbers, got {' '.join(words)!r}; {_REMEDY}") from error
        if values:
            yield values, where


def _layout(values: Sequence[float], where: str) -> RowLayout:
    if len(values) not in _LAYOUTS:
        raise ValueError(
            f"{where}: expected 20 values (box and five x y v), 15 (box and five x y) or 5 (box), got {len(values)}; "
            f"{_REMEDY}"
        )
    return _LAYOUTS[len(values)]


def _landmarks(values: FloatArray, layout: RowLayout) -> FloatArray:
    """Landmarks (N, 5, 3) from what follows the boxes (N, 5 x `layout`)."""
    if layout is RowLayout.VISIBILITY:
        return values.reshape(-1, NUM_LANDMARKS, 3)
    if layout is RowLayout.BOX:
        return np.zeros((len(values), NUM_LANDMARKS, 3))
    points = values.reshape(-1, NUM_LANDMARKS, 2)
    present = ~((points < 0).any(axis=-1, keepdims=True) | (points == 0).all(axis=-1, keepdims=True))
    landmarks: FloatArray = np.concatenate([points, np.full(present.shape, _VISIBLE)], axis=-1) * present
    return landmarks


def _check_coordinates(values: Sequence[float], where: str) -> None:
    for value in values:
        if not -_TOLERANCE <= value <= 1 + _TOLERANCE:
            raise ValueError(f"{where}: expected coordinates from 0 to 1, got {value:g}; {_REMEDY}")
