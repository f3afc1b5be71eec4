"""Print digests of what Ultralytics makes of its own models, as JSON; run in a fresh interpreter.

A model of each task in its newest generation, and of each older family whose building differs: its seeded
parameters, its outputs in training and in inference, and the loss of the pose models. The random state that
importing Ultralytics leaves behind comes first. At last a pose model trains for an epoch on data of five
landmarks, the shape that the plugin looks at.
"""

from __future__ import annotations

import csv
import hashlib
import json
import random
import sys
from pathlib import Path

import numpy as np
import torch
from tiny_faces import write_tiny_faces

SEED = 7
IMAGE_SIZE = 64
OLDER = ("yolov5n.yaml", "yolov8n-pose.yaml", "yolov10n.yaml")


def seed_all() -> None:
    """Seed every generator that a library could draw from."""
    random.seed(SEED)
    np.random.seed(SEED)  # noqa: NPY002  (the global state is what is looked at)
    torch.manual_seed(SEED)


def digest(value: object) -> str:
    """Digest of nested tensors, by their bytes."""
    summary = hashlib.sha256()

    def add(item: object) -> None:
        if isinstance(item, torch.Tensor):
            summary.update(str((item.dtype, tuple(item.shape))).encode())
            summary.update(item.detach().contiguous().numpy().tobytes())
        elif isinstance(item, dict):
            for key in item:
                summary.update(str(key).encode())
                add(item[key])
        elif isinstance(item, (list, tuple)):
            for part in item:
                add(part)
        else:
            summary.update(repr(item).encode())

    add(value)
    return summary.hexdigest()


def pose_batch(kpt_shape: tuple[int, int]) -> dict[str, torch.Tensor]:
    """One object in the middle of the image, with all its keypoints at its centre."""
    return {
        "batch_idx": torch.zeros(1),
        "cls": torch.zeros(1, 1),
        "bboxes": torch.tensor([[0.5, 0.5, 0.6, 0.6]]),
        "keypoints": torch.full((1, *kpt_shape), 0.5),
    }


def fingerprint(name: str) -> dict[str, str]:
    """Digests of one stock model, built and run from the same seed."""
    from ultralytics import YOLO
    from ultralytics.utils import DEFAULT_CFG

    seed_all()
    model = YOLO(name).model
    image = torch.rand(1, 3, IMAGE_SIZE, IMAGE_SIZE)
    with torch.no_grad():
        marks = {"parameters": digest(model.state_dict()), "training": digest(model.train()(image))}
        marks["inference"] = digest(model.eval()(image))
        if model.task == "pose":
            model.args = DEFAULT_CFG
            loss, items = model.train().loss({"img": image, **pose_batch(tuple(model.model[-1].kpt_shape))})
            marks["loss"] = digest((loss, items))
            marks["criterion"] = type(model.criterion).__qualname__
    return marks


def train() -> dict[str, str]:
    """Digests of what an epoch of a stock pose model leaves: its row of results without the time, and its weights."""
    from ultralytics import YOLO

    seed_all()
    data = write_tiny_faces(Path.cwd() / "faces")
    model = YOLO("yolov8n-pose.yaml")
    model.train(
        data=data, epochs=1, imgsz=IMAGE_SIZE, batch=2, workers=0, device="cpu", amp=False, plots=False, exist_ok=True,
        project=str(Path.cwd()), name="run",
    )  # fmt: skip
    with (Path.cwd() / "run" / "results.csv").open(encoding="utf-8") as stream:
        rows = [{key: value for key, value in row.items() if key != "time"} for row in csv.DictReader(stream)]
    checkpoint = torch.load(Path.cwd() / "run" / "weights" / "last.pt", weights_only=False)
    return {
        "columns": ", ".join(rows[0]),
        "rows": digest(rows),
        "weights": digest(checkpoint["model"].state_dict()),
        "metrics": digest(checkpoint["train_metrics"]),
    }


def main() -> None:
    """Import Ultralytics, then fingerprint its models."""
    seed_all()
    from ultralytics.cfg import TASK2MODEL

    states = (random.getstate(), np.random.get_state(), torch.get_rng_state())  # noqa: NPY002
    newest = [weights.replace(".pt", ".yaml") for weights in TASK2MODEL.values()]
    print(
        json.dumps(
            {
                "plugin": "ultra_face" in sys.modules,
                "tasks": sorted(TASK2MODEL),
                "random": digest(states),
                **{name: fingerprint(name) for name in (*newest, *OLDER)},
                "training": train(),
            }
        )
    )


if __name__ == "__main__":
    main()
