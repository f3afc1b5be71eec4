"""Run a detector over folders of images and write the files that the evaluations read."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ultralytics import YOLO

from ultra_face.evaluation.detect_images import STRIDE, Image, Run, describe, detect
from ultra_face.evaluation.ground_truth import load_ground_truth
from ultra_face.evaluation.landmarks import select_images
from ultra_face.faces import Faces
from ultra_face.files.whole import write_file
from ultra_face.formats.annotation import NUM_LANDMARKS
from ultra_face.formats.files import claimed, named, staged
from ultra_face.formats.image_files import IMAGE_SUFFIXES, read_image
from ultra_face.formats.result_files import DETECTOR_FILE, to_rows, write_predictions
from ultra_face.formats.retinaface import read_annotated_faces, write_detected_faces
from ultra_face.formats.widerface import ImageSetError, abbreviate, read_image_list, read_lines
from ultra_face.runtimes.ultralytics_model import REMEDY, open_model

Progress = Callable[[Iterable[str]], Iterable[str]]


def write_result_files(
    run: Run, *, ground_truth: Path, subset_list: Path | None = None, progress: Progress = iter
) -> Path:
    """Detect faces in the images that have ground truth and write official result files.

    The folder of the result files is claimed for this model and these settings. Events appear in it when all images
    are done; the same run goes on after an interruption, and does nothing where it is complete.

    Args:
        run: the model, the folder of `event/name.jpg`, the folder for the result files, and the settings,
            which are recorded there in `detector.json`.
        ground_truth: as `load_ground_truth` takes it; names the images.
        subset_list: run only the images that this text file lists.
        progress: wraps the iteration over names.

    Returns:
        The folder of the result files.

    Raises:
        FileExistsError: the folder holds other files, or those of another run.
        FileNotFoundError, GroundTruthError, ImageSetError: ground truth, list or images cannot be read.
        OutputError: the disk is full or the folder is not writable; running again goes on.
        ValueError: the model cannot be opened.
    """
    truth = load_ground_truth(ground_truth)
    names = truth.images if subset_list is None else read_image_list(subset_list)
    files = find_images(run.images, truth.restrict(names, subset_list).images)
    model, _ = open_detector(run)
    record = {"model": Path(run.model).name, **describe(run.settings)}
    events = {name: run.output / name.split("/")[0] for name in files}
    with claimed(run.output, record | _origin(run, model, subset_list)) as claim:
        left = [name for name in files if not (staged(events[name]) / f"{Path(name).name}.txt").is_file()]
        for name, found in detections(run, model, {name: files[name] for name in left}, progress):
            claim.check()
            write_predictions(staged(events[name]), {Path(name).name: to_rows(found.boxes_xyxy, found.scores)})
        write_file(run.output / DETECTOR_FILE, (json.dumps(record, indent=2) + "\n").encode())
        for event in dict.fromkeys(events.values()):
            claim.publish(event)
    return run.output


def write_landmarks(run: Run, *, annotations: Path, subset_list: Path | None = None, progress: Progress = iter) -> Path:
    """Detect faces in annotated images and write them with their landmarks in RetinaFace's layout.

    Args:
        run: a model with five landmarks, the folder that the paths of the annotations start from, the file to
            write, and the settings. The file appears when all images are done, and replaces an earlier one.
        annotations: file in RetinaFace's layout; names the images.
        subset_list: run only the images that this text file lists.
        progress: wraps the iteration over names.

    Returns:
        The file written.

    Raises:
        FileNotFoundError, LandmarkFileError, ImageSetError: annotations, list or images cannot be read.
        OSError: the file cannot be written.
        ValueError: the model cannot be opened, or has no five landmarks.
    """
    wanted = None if subset_list is None else read_lines(subset_list)
    files = find_images(
        run.images, list(select_images(read_annotated_faces(annotations), wanted, source=str(annotations)))
    )
    _check_writable(run.output)
    faces = {}
    model, number = open_detector(run)
    if number != NUM_LANDMARKS:
        raise ValueError(f"{run.model}: expected a model with {NUM_LANDMARKS} landmarks, got {number}")
    for name, found in detections(run, model, files, progress):
        faces[name] = found
    write_detected_faces(run.output, faces)
    return run.output


def open_detector(run: Run) -> tuple[YOLO, int]:
    """The model of a run, and how many landmarks it finds.

    It is tried on an empty image: exports are read, and models of other tasks show, when they first predict.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: Ultralytics cannot open it, it finds no boxes, or it does not take the settings of the run.
    """
    expected = "a pose or detect model of Ultralytics, or an export of one"
    model = open_model(run.model, expected)
    with named(run.model, expected, REMEDY):
        detect(model, np.zeros((STRIDE, STRIDE, 3), np.uint8), run.settings)
    num_landmarks, _ = getattr(model.predictor.model, "kpt_shape", None) or (0, 0)
    return model, num_landmarks


def detections(run: Run, model: YOLO, files: Mapping[str, Path], progress: Progress) -> Iterator[tuple[str, Faces]]:
    """Yield the name of each image and what the model finds in it.

    Raises:
        ImageSetError: an image does not decode.
    """
    for name in progress(files):
        yield name, detect(model, load_image(files[name]), run.settings)


def find_images(folder: Path, names: Sequence[str]) -> dict[str, Path]:
    """Files of named images, with or without suffix in the name.

    Raises:
        FileNotFoundError: the folder does not exist.
        ImageSetError: lists the images that are not there.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: expected the folder of the images, got no folder; check --images")
    found = {name: _image_file(folder, name) for name in names}
    absent = [name for name, path in found.items() if path is None]
    if absent:
        raise ImageSetError(
            f"{folder}: lacks {len(absent)} of {len(names)} images: {abbreviate(absent)}; "
            "give the folder above the events, or the images that are there with --subset-list"
        )
    return {name: path for name, path in found.items() if path is not None}


def _image_file(folder: Path, name: str) -> Path | None:
    suffixes = ("", *IMAGE_SUFFIXES, *(suffix.upper() for suffix in IMAGE_SUFFIXES))
    candidates = (folder / f"{name}{suffix}" for suffix in suffixes)
    return next((path for path in candidates if path.is_file()), None)


def load_image(path: Path) -> Image:
    """Decode an image to (H, W, 3) BGR.

    Raises:
        ImageSetError: the file does not decode.
    """
    image = read_image(path)
    if image is None:
        raise ImageSetError(f"{path}: does not decode as an image; copy it again")
    return image


def _check_writable(file: Path) -> None:
    """Tell before the first image what would prevent writing after the last."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.is_dir() or not os.access(file.parent, os.W_OK):
        raise OSError(f"{file}: expected a file that can be written, got a folder or no permission; choose another one")


def _origin(run: Run, model: YOLO, subset_list: Path | None) -> dict[str, Any]:
    """What result files come from, besides the settings that their record states."""
    file = Path(model.ckpt_path or run.model)  # where Ultralytics found what the run names
    parts = sorted(file.rglob("*")) if file.is_dir() else [file]  # some exports are folders
    content = b"".join(part.read_bytes() for part in parts if part.is_file())
    return {
        "sha256 of the model": hashlib.sha256(content).hexdigest() if content else None,
        "images": str(run.images.resolve()),
        "subset list": None if subset_list is None else str(subset_list.resolve()),
    }
