"""Run a detector over folders of images and write the files that the evaluations read."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from ultralytics import YOLO
from ultralytics.utils import LOGGER, TQDM

from ultra_face.command import named
from ultra_face.data.output_folder import claim_folder, publish, replacing, staged, write_file
from ultra_face.detect_images import Detections, Image, detect
from ultra_face.detection_settings import STRIDE, Run, describe
from ultra_face.eval.ground_truth import load_ground_truth
from ultra_face.eval.image_names import ImageSetError, abbreviate, read_image_list, read_lines
from ultra_face.eval.landmark_files import read_landmark_file, select_images, write_landmark_file
from ultra_face.eval.pairing import LandmarkFaces
from ultra_face.eval.result_files import DETECTOR_FILE, to_rows, write_predictions
from ultra_face.formats.annotation import NUM_LANDMARKS
from ultra_face.formats.image_files import IMAGE_SUFFIXES
from ultra_face.open_model import REMEDY, open_model

Progress = Callable[[Iterable[str]], Iterable[str]]


def progress_on_standard_error(names: Iterable[str]) -> Iterator[str]:
    """Show how far an iteration is, leaving standard output to results."""
    yield from TQDM(names, file=sys.stderr)


def write_result_files(
    run: Run, *, ground_truth: Path, subset_list: Path | None = None, progress: Progress = progress_on_standard_error
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
    files = find_images(run.images, truth.restrict(names).images)
    with logging_on_standard_error():
        model, _ = open_detector(run)
        record = {"model": Path(run.model).name, **describe(run.settings)}
        claim_folder(run.output, record | _origin(run, model, subset_list))
        events = {name: run.output / name.split("/")[0] for name in files}
        left = [name for name in files if not (staged(events[name]) / f"{Path(name).name}.txt").is_file()]
        for name, found in detections(run, model, {name: files[name] for name in left}, progress):
            write_predictions(staged(events[name]), {Path(name).name: to_rows(found.boxes_xyxy, found.scores)})
    write_file(run.output / DETECTOR_FILE, (json.dumps(record, indent=2) + "\n").encode())
    for event in dict.fromkeys(events.values()):
        publish(event)
    return run.output


def write_landmarks(
    run: Run, *, annotations: Path, subset_list: Path | None = None, progress: Progress = progress_on_standard_error
) -> Path:
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
        run.images, list(select_images(read_landmark_file(annotations), wanted, source=str(annotations)))
    )
    _check_writable(run.output)
    faces = {}
    with logging_on_standard_error():
        model, number = open_detector(run)
        if number != NUM_LANDMARKS:
            raise ValueError(f"{run.model}: expected a model with {NUM_LANDMARKS} landmarks, got {number}")
        for name, found in detections(run, model, files, progress):
            shown = np.ones(found.landmarks.shape[:2], np.bool_)
            boxes = to_rows(found.boxes_xyxy, found.scores)[:, :4]
            faces[name] = LandmarkFaces(boxes, found.landmarks, shown, found.scores)
    with replacing(run.output) as partial:
        write_landmark_file(partial, faces)
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
        blank = np.zeros((STRIDE, STRIDE, 3), np.uint8)
        return model, detect(model, blank, run.settings).landmarks.shape[1]


def detections(
    run: Run, model: YOLO, files: Mapping[str, Path], progress: Progress
) -> Iterator[tuple[str, Detections]]:
    """Yield the name of each image and what the model finds in it."""
    for name in progress(files):
        yield name, detect(model, read_image(files[name]), run.settings)


@contextmanager
def logging_on_standard_error() -> Iterator[None]:
    """Show on standard error what the host says meanwhile, leaving standard output to results."""
    moved = [handler for handler in LOGGER.handlers if getattr(handler, "stream", None) is sys.stdout]
    for handler in moved:
        handler.setStream(sys.stderr)
    try:
        yield
    finally:
        for handler in moved:
            handler.setStream(sys.stdout)


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
    candidates = (folder / f"{name}{suffix}" for suffix in ("", *IMAGE_SUFFIXES))
    return next((path for path in candidates if path.is_file()), None)


def read_image(path: Path) -> Image:
    """Decode an image to (H, W, 3) BGR.

    Raises:
        ImageSetError: the file does not decode.
    """
    image = cv2.imread(str(path))
    if image is None:
        raise ImageSetError(f"{path}: does not decode as an image; copy it again")
    return np.asarray(image, np.uint8)


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
