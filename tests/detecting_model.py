"""A checkpoint with random weights that still finds something in every photograph, for tests that need detections."""

from __future__ import annotations

from pathlib import Path

import cv2
import torch
from torch import Tensor, nn
from ultralytics import YOLO
from ultralytics.utils import ASSETS

import ultra_face

PHOTOGRAPHS = sorted(ASSETS.glob("*.jpg"))
SIZE = 160  # of the square input [px]
# Standard deviation of the scores' logits, and the share of outputs that score above one half.
SPREAD, SHARE = 2.0, 0.01


def save_detecting_model(name: str, file: Path) -> Path:
    """Save a checkpoint of the model `name` whose scores are spread as if it were trained.

    Its batch norms take the statistics of the photographs; the last layers of its scores are scaled and shifted.
    """
    ultra_face.register()
    torch.manual_seed(0)
    model = YOLO(f"{name}.yaml")
    network, images = model.model, photographs()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d | nn.BatchNorm1d):
            module.momentum = 1.0
    with torch.no_grad():
        network.train()(images)
        head = network.eval().model[-1]
        spread = network(images)[0][:, 4].logit().std()
        for layer, rows in score_layers(head):
            layer.weight[rows] *= SPREAD / spread
        shift = network(images)[0][:, 4].logit().flatten().quantile(1 - SHARE)
        for layer, rows in score_layers(head):
            layer.bias[rows] -= shift
    model.save(file)
    return file


def score_layers(head: nn.Module) -> list[tuple[nn.Conv2d, Tensor]]:
    """The convolutions of the scores and their output channels that are objectness or class."""
    if hasattr(head, "anchor_wh"):
        objectness = torch.arange(head.na) * head.no + 4
        return [(layer, objectness) for layer in head.predict]
    return [(branch[-1], torch.arange(head.nc)) for branch in head.cv3]


def photographs() -> Tensor:
    """The photographs that Ultralytics ships, squeezed to the input: (2, 3, SIZE, SIZE) in 0..1."""
    images = [cv2.resize(cv2.imread(str(file)), (SIZE, SIZE))[..., ::-1].copy() for file in PHOTOGRAPHS]
    return torch.stack([torch.from_numpy(image).permute(2, 0, 1) / 255 for image in images])
