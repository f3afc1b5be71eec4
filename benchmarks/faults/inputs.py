"""What the commands work on while they are killed, interrupted or out of room: drawn faces, a film, small models."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from ultra_face.data.prepare import prepare_dataset
from ultra_face.demo.dataset import draw_scene
from ultra_face.formats.retinaface import format_retinaface
from ultra_face.plugin.files import find_weights, root

MODEL = "yolov5n-aesvc-face.pt"
NUM_SCENES, COPIES = 16, 25
FRAMES = 10
OF_ULTRALYTICS = (".cache",)
"""Suffixes of what Ultralytics writes beside labels, whoever trains."""


def make_inputs(folder: Path) -> None:
    """Fill a new folder.

    It gets `faces`, images with a `label.txt` that `prepare` reads; `many`, what that makes of them, and `dataset` of
    some; and `wider`, photographs by event with a list of their faces. Beside them lie a film, the shipped model, and
    files of detections.
    """
    scenes = [draw_scene(f"{number:04d}.jpg", np.random.default_rng([0, number])) for number in range(NUM_SCENES)]
    images, listed = folder / "faces" / "images", []
    images.mkdir(parents=True)
    for copy in range(COPIES):
        for number, (pixels, faces) in enumerate(scenes):
            name = f"{copy:02d}-{number:04d}.jpg"
            _write(images / name, pixels)
            listed.append(replace(faces, image=name))
    (folder / "faces" / "label.txt").write_text(format_retinaface(listed), encoding="utf-8")
    few = folder / "few"
    (few / "images").mkdir(parents=True)
    for faces in listed[:NUM_SCENES]:
        shutil.copy(images / faces.image, few / "images" / faces.image)
    (few / "label.txt").write_text(format_retinaface(listed[:NUM_SCENES]), encoding="utf-8")
    prepare_dataset([few], folder / "dataset", hold_out=4)
    prepare_dataset([folder / "faces"], folder / "many", hold_out=4)
    _wider(folder / "wider", scenes)
    _film(folder / "film.mp4", scenes[0][0])
    packaged = find_weights(MODEL)
    if packaged is None:
        raise FileNotFoundError(f"{root()}: expected the shipped weights {MODEL}, got none; check out all files")
    shutil.copy(packaged, folder / MODEL)


def _wider(folder: Path, scenes: list[tuple[np.ndarray, object]]) -> None:
    lines = []
    for number, (pixels, faces) in enumerate(scenes):
        name = f"{number % 2}--Event{number % 2}/{number % 2}_{number}.jpg"
        _write(folder / "images" / name, pixels)
        boxes = np.rint(faces.boxes_xywh).astype(int).tolist()
        rows = [f"{' '.join(map(str, box))} 0 0 0 0 0 0" for box in boxes] or ["0 0 0 0 0 0 0 0 0 0"]
        lines += [name, str(len(boxes)), *rows]
    (folder / "wider_face_val_bbx_gt.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _film(file: Path, pixels: np.ndarray) -> None:
    import av

    height, width = (side // 2 * 2 for side in pixels.shape[:2])
    with av.open(str(file), "w") as film:
        stream = film.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for shift in range(FRAMES):
            moved = np.roll(pixels, shift, axis=1)[:height, :width]
            film.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(moved), format="bgr24")))
        film.mux(stream.encode())


def _write(file: Path, pixels: np.ndarray) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(cv2.imencode(".jpg", pixels)[1].tobytes())


def sums(folder: Path) -> dict[str, str]:
    """The SHA-256 of every file below a folder, by its path; what Ultralytics keeps beside labels is left out."""
    return {
        file.relative_to(folder).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file.suffix not in OF_ULTRALYTICS
    }
