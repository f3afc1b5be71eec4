"""Photographs and what is known of the faces in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ultra_face.evaluation.ground_truth import GroundTruth
from ultra_face.formats.annotation import FaceAnnotations
from ultra_face.formats.image_files import list_images, read_image
from ultra_face.formats.widerface import ImageSetError
from ultra_face.formats.yolo_pose import label_file, read_faces

AT_LEAST = (50, 30, 10)
"""Heights [px] whose faces count, the smaller ones being left out; near WIDER FACE's easy, medium and hard."""


@dataclass(frozen=True)
class Photographs:
    """Image files by name `set/image`, with ground truth where there is some.

    Attributes:
        files: image files.
        truth: boxes, and which of them count in each subset.
        landmarks: faces with landmarks, by name.
    """

    files: dict[str, Path]
    truth: GroundTruth | None = None
    landmarks: dict[str, FaceAnnotations] = field(default_factory=dict)

    def sample(self, count: int) -> list[Path]:
        """About so many files, evenly spread."""
        return list(self.thinned(count).files.values())

    def thinned(self, count: int) -> Photographs:
        """About so many photographs, evenly spread, with what is known of them."""
        return self.only(list(self.files)[:: max(1, len(self.files) // count)][:count])

    def only(self, names: Sequence[str]) -> Photographs:
        """Those of these names, with what is known of them."""
        return Photographs(
            {name: self.files[name] for name in names},
            None if self.truth is None else self.truth.restrict(names),
            {name: self.landmarks[name] for name in names if name in self.landmarks},
        )


def read_labelled(
    locations: Sequence[str | Path], *, progress: Callable[[Iterable[Any]], Iterable[Any]] = iter
) -> Photographs:
    """Images of folders and lists with the labels that training reads; each folder or list is a set of its own.

    Args:
        locations: folders of images, and text files that list images.
        progress: wraps the images and shows how far they are.

    Raises:
        FileNotFoundError: a folder or list is not there, or none of them has an image.
        ValueError: a broken label file, or an image that does not decode.
    """
    files = {name: file for location in locations for name, file in _named(Path(location)).items()}
    boxes, landmarks = {}, {}
    for name, file in progress(files.items()):
        pixels = read_image(file)
        if pixels is None:
            raise ImageSetError(f"{file}: does not decode as an image; copy it again")
        height, width = pixels.shape[:2]
        landmarks[name] = read_faces(label_file(file), name, width=width, height=height)
        boxes[name] = landmarks[name].boxes_xywh
    counted = {"all": {name: np.ones(len(box), np.bool_) for name, box in boxes.items()}}
    counted |= {f"from {low} px": {name: box[:, 3] >= low for name, box in boxes.items()} for low in AT_LEAST}
    return Photographs(files, GroundTruth.from_arrays(boxes, counted), landmarks)


def _named(location: Path) -> dict[str, Path]:
    """The images of a folder or list by name `set/image`."""
    files = list_images([location])
    if location.is_dir():
        names = [file.relative_to(location).with_suffix("").as_posix().replace("/", "_") for file in files]
    else:
        names = [f"{number:06d}" for number in range(len(files))]
    return {f"{_set_name(location)}/{name}": file for name, file in zip(names, files, strict=True)}


def _set_name(location: Path) -> str:
    """Name of the data set that a folder `NAME/images/val` or a list `val.txt` belongs to."""
    return location.parents[1].name if location.parent.name == "images" else location.stem
