"""WIDER FACE ground truth: every annotated face, and which of them count in each subset.

Two sources are read:

- the folder of the official evaluation tools, `wider_face_val.mat` with all boxes and
  `wider_{easy,medium,hard}_val.mat` with the 1-based indices of the faces that count (7,211 / 13,319 / 31,958
  on the validation images);
- the annotation file `wider_face_val_bbx_gt.txt`, which knows no difficulty: its one subset `all` counts
  every face not marked invalid (39,119 of 39,704). The rows of zeros that stand for "no face" are faces in the
  `.mat` files alone, where no subset counts them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ultra_face.formats.annotation import FaceAnnotations, stays_inside
from ultra_face.formats.files import read_text
from ultra_face.formats.matlab import MatlabFileError, read_matlab
from ultra_face.formats.widerface import ImageSetError, abbreviate, image_name, parse_widerface

SUBSETS = ("easy", "medium", "hard")


class GroundTruthError(ValueError):
    """Ground truth that is missing, unreadable or contradicts itself."""


@dataclass(frozen=True, eq=False)
class GroundTruth:
    """Faces of all images in one array; `offsets` says which rows belong to which image.

    Attributes:
        images: N names `event/name`.
        offsets: (N + 1,) image i owns the faces `offsets[i]:offsets[i + 1]`.
        boxes_xywh: (F, 4) left, top, width, height in pixels of the original image.
        counted: for each subset, (F,) True where the face counts; all others are ignored, not negative.
    """

    images: tuple[str, ...]
    offsets: NDArray[np.int64]
    boxes_xywh: NDArray[np.float64]
    counted: Mapping[str, NDArray[np.bool_]]

    @classmethod
    def from_arrays(
        cls, boxes_xywh: Mapping[str, NDArray[Any]], counted: Mapping[str, Mapping[str, NDArray[Any]]]
    ) -> GroundTruth:
        """Ground truth from arrays in memory.

        Args:
            boxes_xywh: for each image `event/name`, (n, 4) [px].
            counted: for each subset and image, (n,) booleans.

        Raises:
            GroundTruthError: a mask is not as long as its boxes.
        """
        images = tuple(boxes_xywh)
        boxes = [np.asarray(boxes_xywh[name], np.float64).reshape(-1, 4) for name in images]
        masks: dict[str, NDArray[np.bool_]] = {}
        for subset, by_image in counted.items():
            parts = [np.asarray(by_image[name], np.bool_).ravel() for name in images]
            for name, box, part in zip(images, boxes, parts, strict=True):
                if len(box) != len(part):
                    raise GroundTruthError(f"{name}: {len(box)} boxes, but {len(part)} flags in subset {subset}")
            masks[subset] = np.concatenate([np.zeros(0, np.bool_), *parts])
        return cls(images, _offsets([len(box) for box in boxes]), np.concatenate([np.zeros((0, 4)), *boxes]), masks)

    @cached_property
    def events(self) -> tuple[str, ...]:
        """Event names in order of appearance."""
        return tuple(dict.fromkeys(name.split("/", 1)[0] for name in self.images))

    @cached_property
    def face_image(self) -> NDArray[np.int64]:
        """(F,) index of the image that each face lies in."""
        return np.repeat(np.arange(len(self.images)), np.diff(self.offsets))

    def counts(self) -> dict[str, int]:
        """Number of faces that count, by subset."""
        return {subset: int(mask.sum()) for subset, mask in self.counted.items()}

    def restrict(self, images: Iterable[str], source: object = None) -> GroundTruth:
        """The ground truth of the named images only, in the order given; `source` of the names, for errors.

        Raises:
            ImageSetError: a name exists in no event.
        """
        wanted = tuple(images)
        index = {name: i for i, name in enumerate(self.images)}
        unknown = [name for name in wanted if name not in index]
        if unknown:
            where = "" if source is None else f"{source}: "
            raise ImageSetError(f"{where}{abbreviate(unknown)}: exists in no event of the ground truth")
        rows = [np.arange(self.offsets[index[name]], self.offsets[index[name] + 1]) for name in wanted]
        keep = np.concatenate(rows) if rows else np.zeros(0, np.int64)
        return GroundTruth(
            images=wanted,
            offsets=_offsets([len(row) for row in rows]),
            boxes_xywh=self.boxes_xywh[keep],
            counted={subset: mask[keep] for subset, mask in self.counted.items()},
        )


def load_ground_truth(path: str | Path) -> GroundTruth:
    """Read the official `.mat` folder, or an annotation file in the format of `wider_face_val_bbx_gt.txt`.

    Raises:
        FileNotFoundError: no such path, or the folder lacks one of the four `.mat` files.
        GroundTruthError: a file cannot be read or contradicts another.
    """
    path = Path(path)
    if path.is_dir():
        return _load_mat_folder(path)
    if path.suffix == ".mat":
        raise GroundTruthError(f"{path}: expected the folder of the .mat files, got one of them; give {path.parent}")
    if path.is_file():
        return _load_annotations(path)
    raise FileNotFoundError(
        f"{path}: expected the folder of the WIDER FACE .mat files or wider_face_val_bbx_gt.txt, got nothing there; "
        "check the path"
    )


def _load_mat_folder(folder: Path) -> GroundTruth:
    names = {"face": "wider_face_val.mat", **{subset: f"wider_{subset}_val.mat" for subset in SUBSETS}}
    missing = [name for name in names.values() if not (folder / name).is_file()]
    if missing:
        raise FileNotFoundError(
            f"{folder}: lacks {', '.join(missing)}; the folder must hold {', '.join(names.values())}, "
            "as in the ground_truth folder of the official evaluation tools"
        )
    faces = _read_mat(folder / names["face"], "face_bbx_list")
    subsets = {subset: _read_mat(folder / names[subset], "gt_list") for subset in SUBSETS}
    for subset, indices in subsets.items():
        if indices.keys() != faces.keys():
            raise GroundTruthError(f"{folder / names[subset]}: lists other images than {names['face']}")
    boxes = {name: _boxes(box, f"{folder / names['face']}: {name}") for name, box in faces.items()}
    return GroundTruth.from_arrays(
        boxes,
        {
            subset: {
                name: _mask(index.ravel(), len(boxes[name]), f"{folder / names[subset]}: {name}")
                for name, index in indices.items()
            }
            for subset, indices in subsets.items()
        },
    )


def _read_mat(path: Path, field: str) -> dict[str, NDArray[Any]]:
    """One array for each image, from the cell arrays (events, 1) of cell arrays (images, 1) of arrays."""
    try:
        content = read_matlab(path, ("event_list", "file_list", field))
    except MatlabFileError as error:
        raise GroundTruthError(str(error)) from error
    absent = [name for name in ("event_list", "file_list", field) if name not in content]
    if absent:
        raise GroundTruthError(
            f"{path}: expected a WIDER FACE file with event_list, file_list and {field}; no {absent[0]}"
        )
    try:
        named_values = {
            f"{event[0]}/{file[0]}": value
            for event, files, values in zip(
                content["event_list"].ravel(), content["file_list"].ravel(), content[field].ravel(), strict=True
            )
            for file, value in zip(files.ravel(), values.ravel(), strict=True)
        }
    except (AttributeError, IndexError, ValueError) as error:
        raise GroundTruthError(
            f"{path}: expected one name and one array of {field} for each image, got other cells ({error}); "
            "copy it again"
        ) from error
    outside = [name for name in named_values if not stays_inside(name)]
    if outside:  # a detector's result files are named so
        raise GroundTruthError(f"{path}: expected names event/name, got {outside[0]!r}, which leaves the folder")
    return named_values


def _boxes(values: NDArray[Any], where: str) -> NDArray[np.float64]:
    """(n, 4) of one image; empty arrays come in several shapes."""
    if values.size % 4 or not np.issubdtype(values.dtype, np.number):
        raise GroundTruthError(
            f"{where}: expected boxes (n, 4), got {values.dtype} of shape {values.shape}; copy it again"
        )
    return values.astype(np.float64).reshape(-1, 4)


def _mask(one_based: NDArray[Any], num_faces: int, where: str) -> NDArray[np.bool_]:
    """(num_faces,) True at the 1-based indices; empty index arrays come in the shapes (0, 0) and (0, 1)."""
    index = one_based.astype(np.int64) - 1
    mask = np.zeros(num_faces, np.bool_)
    if index.size and (index.min() < 0 or index.max() >= num_faces):
        raise GroundTruthError(f"{where}: face indices must lie in 1..{num_faces}, got {one_based.tolist()}")
    mask[index] = True
    if mask.sum() != index.size:
        raise GroundTruthError(f"{where}: a face is listed twice in {one_based.tolist()}")
    return mask


def _load_annotations(path: Path) -> GroundTruth:
    try:
        images = {_event_and_name(faces): faces for faces in parse_widerface(read_text(path), str(path))}
    except ValueError as error:
        raise GroundTruthError(str(error)) from error
    if not images:
        raise GroundTruthError(f"{path}: holds no annotation; expected the format of wider_face_val_bbx_gt.txt")
    return GroundTruth.from_arrays(
        {name: faces.boxes_xywh for name, faces in images.items()},
        {"all": {name: ~faces.invalid for name, faces in images.items()}},
    )


def _event_and_name(faces: FaceAnnotations) -> str:
    try:
        return image_name(faces.image)
    except ImageSetError as error:
        raise GroundTruthError(f"{faces.where}: {error}; correct the line") from error


def _offsets(lengths: list[int]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]).astype(np.int64)
