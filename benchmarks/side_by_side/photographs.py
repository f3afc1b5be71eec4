"""Where the photographs of a benchmark are: in a data YAML, in a folder, in WIDER FACE."""

from __future__ import annotations

from pathlib import Path

from ultra_face.cli.data_yaml import data_folders
from ultra_face.evaluation.detect_folders import find_images
from ultra_face.evaluation.ground_truth import load_ground_truth
from ultra_face.evaluation.photographs import Photographs, read_labelled
from ultra_face.formats.image_files import find_images as find_below


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
    files = find_below(folder)
    if not files:
        raise FileNotFoundError(f"{folder}: expected images, found none; give their folder")
    return Photographs({str(file.relative_to(folder)): file for file in files})


def from_data_yaml(data: Path) -> Photographs:
    """The validation split of an Ultralytics pose data set; each of its folders is a set of its own.

    Raises:
        FileNotFoundError: no images.
        ValueError: a broken label file, or an image that does not decode.
    """
    (val,) = data_folders(str(data), "val")
    return read_labelled(val)


def from_widerface(images: Path, ground_truth: Path) -> Photographs:
    """The images of WIDER FACE that official ground truth names: easy, medium and hard.

    Raises:
        FileNotFoundError, GroundTruthError, ImageSetError: images or ground truth cannot be read.
    """
    truth = load_ground_truth(ground_truth)
    return Photographs(find_images(images, truth.images), truth)
