"""Photographs and what is known of the faces in them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from ultralytics.data.utils import IMG_FORMATS, check_det_dataset, img2label_paths

from ultra_face.evaluation.detect_folders import find_images, load_image
from ultra_face.evaluation.ground_truth import GroundTruth, load_ground_truth
from ultra_face.formats.annotation import FaceAnnotations
from ultra_face.formats.yolo_pose import read_faces

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
        files = list(self.files.values())
        return files[:: max(1, len(files) // count)][:count]


def find_photographs(data: Path | None, images: Path | None, ground_truth: Path | None) -> Photographs:
    """The validation split of a data YAML, or a folder of images, with WIDER FACE ground truth or without.

    Raises:
        FileNotFoundError, ValueError: images or labels cannot be read, or not one of data and images is given.
    """
    if (data is None) == (images is None):
        raise ValueError("expected photographs from one place, got both or none; give one of --data and --images")
    if data is not None:
        return from_data_yaml(data)
    assert images is not None
    return from_folder(images) if ground_truth is None else from_widerface(images, ground_truth)


def from_folder(folder: Path) -> Photographs:
    """All images below a folder, without ground truth.

    Raises:
        FileNotFoundError: there are none.
    """
    return Photographs({str(file.relative_to(folder)): file for file in _images([folder])})


def from_data_yaml(data: Path) -> Photographs:
    """The validation split of an Ultralytics pose data set; each of its folders is a set of its own.

    Raises:
        FileNotFoundError: no images.
        ValueError: a broken label file, or an image that does not decode.
    """
    split = check_det_dataset(str(data))["val"]
    folders = [Path(folder) for folder in (split if isinstance(split, list) else [split])]
    files, boxes, landmarks = {}, {}, {}
    for folder in folders:
        for file in _images([folder]):
            name = f"{_set_name(folder)}/{file.relative_to(folder).with_suffix('').as_posix().replace('/', '_')}"
            height, width = load_image(file).shape[:2]
            faces = read_faces(Path(img2label_paths([str(file)])[0]), name, width=width, height=height)
            files[name], boxes[name] = file, faces.boxes_xywh
            landmarks[name] = faces
    counted = {"all": {name: np.ones(len(box), np.bool_) for name, box in boxes.items()}}
    counted |= {f"from {low} px": {name: box[:, 3] >= low for name, box in boxes.items()} for low in AT_LEAST}
    return Photographs(files, GroundTruth.from_arrays(boxes, counted), landmarks)


def from_widerface(images: Path, ground_truth: Path) -> Photographs:
    """The images of WIDER FACE that official ground truth names: easy, medium and hard.

    Raises:
        FileNotFoundError, GroundTruthError, ImageSetError: images or ground truth cannot be read.
    """
    truth = load_ground_truth(ground_truth)
    return Photographs(find_images(images, truth.images), truth)


def _images(folders: Iterable[Path]) -> list[Path]:
    found = [file for folder in folders for file in sorted(folder.rglob("*")) if file.suffix[1:].lower() in IMG_FORMATS]
    if not found:
        raise FileNotFoundError(f"{', '.join(map(str, folders))}: expected images, found none; give their folder")
    return found


def _set_name(folder: Path) -> str:
    """Name of the data set that a folder `NAME/images/val` belongs to."""
    return folder.parents[1].name if folder.parent.name == "images" else folder.name
