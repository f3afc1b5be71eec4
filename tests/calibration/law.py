"""Photographs of smooth noise on which a small model's boxes are right by a law of their score and side."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from small_models import photograph, small_model

from ultra_face.calibration.found import gather, look
from ultra_face.calibration.weights import true_doublings
from ultra_face.evaluation.ground_truth import GroundTruth
from ultra_face.evaluation.photographs import Photographs
from ultra_face.formats.annotation import FaceAnnotations

SIZE = 128


def certain_model(head: str, **settings: Any) -> Any:
    """A small model that is certain of its one class, as trained ones are."""
    model = small_model(head, **settings)
    if head in ("AnchorPose", "SRPose"):
        last = model.model[-1]
        with torch.no_grad():
            for conv in last.predict:
                rows = torch.arange(last.na) * last.no + 5
                conv.weight[rows], conv.bias[rows] = 0, 30
    return model


@dataclass(frozen=True)
class Law:
    """chance = sigmoid(logit + slope x log2(side / 32 px)), of boxes that score more than 0.02; others are wrong."""

    slope: float

    def photographs(self, model: Any, folder: Path, *, number: int = 60, seed: int = 0) -> Photographs:
        """Photographs whose labels are those boxes of a model that the law calls right."""
        folder.mkdir(parents=True)
        files = {}
        for index in range(number):
            noise = photograph(1, SIZE, SIZE, seed=seed + index)[0].permute(1, 2, 0).numpy()
            files[f"noise/{index:03}"] = folder / f"{index:03}.png"
            assert cv2.imwrite(str(files[f"noise/{index:03}"]), (noise[..., ::-1] * 255).round().astype(np.uint8))
        random = np.random.default_rng(seed)
        boxes = {}
        for name, seen in look(model, _labelled(files, {name: np.zeros((0, 4)) for name in files}), SIZE).items():
            logit = np.log(seen.rows[:, 4]) - np.log1p(-seen.rows[:, 4])
            doublings = true_doublings(gather({name: seen}).cells)
            chance = np.where(seen.rows[:, 4] > 0.02, 1 / (1 + np.exp(-logit - self.slope * doublings)), 0)
            boxes[name] = seen.rows[random.random(len(chance)) < chance, :4]
        return _labelled(files, boxes)


def _labelled(files: dict[str, Path], boxes: dict[str, np.ndarray]) -> Photographs:
    return Photographs(
        files,
        GroundTruth.from_arrays(boxes, {"all": {name: np.ones(len(box), np.bool_) for name, box in boxes.items()}}),
        {
            name: FaceAnnotations(name, name, box, np.zeros((len(box), 5, 3)), np.zeros(len(box), np.bool_))
            for name, box in boxes.items()
        },
    )
