"""A checkpoint that knows a few faces in two photographs by heart, for tests that need detections."""

from __future__ import annotations

from pathlib import Path

import cv2
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
    """The photographs as Ultralytics' predictor sees them, and the faces."""
    letterbox = LetterBox((SIZE, SIZE))
    images = [letterbox(image=cv2.imread(str(file)))[..., ::-1].copy() for file in PHOTOGRAPHS]
    boxes = FACES[:, 1:]
    landmarks = boxes[:, None, :2] + (TEMPLATE - 0.5) * boxes[:, None, 2:]
    return {
        "img": torch.stack([torch.from_numpy(image).permute(2, 0, 1) / 255 for image in images]),
        "batch_idx": FACES[:, 0],
        "cls": torch.zeros(len(FACES), 1),
        "bboxes": boxes,
        "keypoints": torch.cat([landmarks, torch.full((len(FACES), 5, 1), 2.0)], 2),
    }
