"""A checkpoint that knows a few faces in two photographs by heart, for tests that need detections."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor
from ultralytics import YOLO
from ultralytics.cfg import get_cfg
from ultralytics.data.augment import LetterBox
from ultralytics.utils import ASSETS

import ultra_face

PHOTOGRAPHS = sorted(ASSETS.glob("*.jpg"))  # those that Ultralytics ships
SIZE = 160  # of the square input [px]
STEPS = 150
SMALL, WINDOW = 33, 64  # a face that deserves a second look, and the side of what that shows [px]
THREADS = 2

# Photograph, then centre and size as fractions of the input. Where faces really are does not matter.
FACES = torch.tensor(
    [
        (0, 0.30, 0.30, 0.12, 0.15),
        (0, 0.60, 0.45, 0.25, 0.30),
        (0, 0.45, 0.80, 0.10, 0.12),
        (1, 0.25, 0.45, 0.15, 0.20),
        (1, 0.70, 0.50, 0.30, 0.40),
    ]
)
NO_ONE = np.full((SIZE, SIZE, 3), 102, np.uint8)
TEMPLATE = torch.tensor([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]])


def save_detecting_model(name: str, file: Path) -> Path:
    """Train the model `name` on nothing but these faces, and save it as a checkpoint.

    The number of threads is fixed meanwhile: sums depend on it, and other tests and Ultralytics change it.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(THREADS)
    try:
        return _train(name, file)
    finally:
        torch.set_num_threads(threads)


def _train(name: str, file: Path) -> Path:
    ultra_face.register()
    torch.manual_seed(0)
    model = YOLO(f"{name}.yaml")
    network = model.model.train()
    network.args = get_cfg()
    batch = memorised_batch()
    optimizer = torch.optim.Adam(network.parameters(), lr=2e-3)
    for step in range(STEPS):
        optimizer.param_groups[0]["lr"] = 2e-3 * min(1, 2 * (1 - step / STEPS))
        optimizer.zero_grad()
        loss, _ = network.loss(batch)
        loss.sum().backward()
        optimizer.step()
    network.criterion = None
    model.save(file)
    return file


def memorised_batch() -> dict[str, Tensor]:
    """The photographs as Ultralytics' predictor sees them, each small face as a second look does, and no one."""
    letterbox = LetterBox((SIZE, SIZE))
    images = [letterbox(image=cv2.imread(str(file)))[..., ::-1].copy() for file in PHOTOGRAPHS]
    faces = [face.tolist() for face in FACES]
    for photograph, x, y, width, height in faces[:]:
        if max(width, height) * SIZE <= SMALL:
            left, top = (int(min(max(middle * SIZE - WINDOW / 2, 0), SIZE - WINDOW)) for middle in (x, y))
            cut = images[int(photograph)][top : top + WINDOW, left : left + WINDOW]
            tile = np.full_like(images[0], 114)
            tile[: 2 * WINDOW, : 2 * WINDOW] = cv2.resize(cut, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
            faces.append([len(images), 2 * (x - left / SIZE), 2 * (y - top / SIZE), 2 * width, 2 * height])
            images.append(tile)
    images.append(NO_ONE)
    table = torch.tensor(faces)
    boxes = table[:, 1:]
    landmarks = boxes[:, None, :2] + (TEMPLATE - 0.5) * boxes[:, None, 2:]
    return {
        "img": torch.stack([torch.from_numpy(image).permute(2, 0, 1) / 255 for image in images]),
        "batch_idx": table[:, 0],
        "cls": torch.zeros(len(table), 1),
        "bboxes": boxes,
        "keypoints": torch.cat([landmarks, torch.full((len(table), 5, 1), 2.0)], 2),
    }
