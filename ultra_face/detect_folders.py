"""Run a detector over folders of images and write the files that the evaluations read."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from ultralytics import YOLO
from ultralytics.utils import LOGGER, TQDM

from ultra_face.detect_images import Image, detect
from ultra_face.detection_settings import Run, describe
from ultra_face.eval.ground_truth import load_ground_truth
from ultra_face.eval.image_names import ImageSetError, abbreviate, read_image_list, read_lines
from ultra_face.eval.landmark_files import read_landmark_file, select_images, write_landmark_file
from ultra_face.eval.pairing import LandmarkFaces
from ultra_face.eval.result_files import DETECTOR_FILE, to_rows, write_predictions
from ultra_face.formats.annotation import NUM_LANDMARKS
from ultra_face.formats.image_files import IMAGE_SUFFIXES
from ultra_face.registration import register

Progress = Callable[[Iterable[str]], Iterable[str]]


def progress_on_standard_error(names: Iterable[str]) -> Iterator[str]:
    """Show how far an iteration is, and what the host says meanwhile, leaving standard output to results."""
    moved = [handler for handler in LOGGER.handlers if getattr(handler, "stream", None) is sys.stdout]
    for handler in moved:
        handler.setStream(sys.stderr)
    try:
        yield from TQDM(names, file=sys.stderr)
    finally:
        for handler in moved:
            handler.setStream(sys.stdout)


def write_result_files(
    run: Run, *, ground_truth: Path, subset_list: Path | None = None, progress: Progress = progress_on_standard_error
) -> Path:
    """Detect faces in the images that have ground truth and write official result files.

    Args:
        run: the model, the folder of `event/name.jpg`, the folder for the result files, and the settings,
            which are recorded there in `detector.json`.
        ground_truth: as `load_ground_truth` takes it; names the images.
        subset_list: run only the images that this text file lists.
        progress: wraps the iteration over names.

    Returns:
        The folder of the result files.

    Raises:
        FileNotFoundError, GroundTruthError, ImageSetError: ground truth, list or images cannot be read.
    """
    truth = load_ground_truth(ground_truth)
    names = truth.images if subset_list is None else read_image_list(subset_list)
    files = find_images(run.images, truth.restrict(names).images)
    register()
    model = YOLO(run.model)
    for name in progress(files):
        found = detect(model, read_image(files[name]), run.settings)
        write_predictions(run.output, {name: to_rows(found.boxes_xyxy, found.scores)})
    record = {"model": Path(run.model).name, **describe(run.settings)}
    (run.output / DETECTOR_FILE).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return run.output


def write_landmarks(
    run: Run, *, annotations: Path, subset_list: Path | None = None, progress: Progress = progress_on_standard_error
) -> Path:
    """Detect faces in annotated images and write them with their landmarks in RetinaFace's layout.

    Args:
        run: a model with five landmarks, the folder that the paths of the annotations start from, the file to
            write, and the settings.
        annotations: file in RetinaFace's layout; names the images.
        subset_list: run only the images that this text file lists.
        progress: wraps the iteration over names.

    Returns:
        The file written.

    Raises:
        FileNotFoundError, LandmarkFileError, ImageSetError: annotations, list or images cannot be read.
        ValueError: the model has no five landmarks.
    """
    wanted = None if subset_list is None else read_lines(subset_list)
    files = find_images(
        run.images, list(select_images(read_landmark_file(annotations), wanted, source=str(annotations)))
    )
    register()
    model = YOLO(run.model)
    faces = {}
    for name in progress(files):
        found = detect(model, read_image(files[name]), run.settings)
        number = found.landmarks.shape[1]
        if number != NUM_LANDMARKS:
            raise ValueError(f"{run.model}: expected a model with {NUM_LANDMARKS} landmarks, got {number}")
        shown = np.ones(found.landmarks.shape[:2], np.bool_)
        boxes = to_rows(found.boxes_xyxy, found.scores)[:, :4]
        faces[name] = LandmarkFaces(boxes, found.landmarks, shown, found.scores)
    run.output.parent.mkdir(parents=True, exist_ok=True)
    write_landmark_file(run.output, faces)
    return run.output


def find_images(folder: Path, names: Sequence[str]) -> dict[str, Path]:
    """Files of named images, with or without suffix in the name.

    Raises:
        FileNotFoundError: the folder does not exist.
        ImageSetError: lists the images that are not there.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: expected the folder of the images, one folder an event")
    found = {name: _image_file(folder, name) for name in names}
    absent = [name for name, path in found.items() if path is None]
    if absent:
        raise ImageSetError(f"{folder}: lacks {len(absent)} of {len(names)} images: {abbreviate(absent)}")
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
