"""Train a small model on drawn faces, then look for faces in the two photographs of Ultralytics."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from ultralytics import YOLO
from ultralytics.utils import ASSETS, LOGGER

from ultra_face.cli.command import new_parser, positive

MODEL = "yolov5n-aesvc.yaml"
DATA = "faces-demo.yaml"
# 128 images give few steps an epoch: each small batch is a step, and the warm-up ends within the first epochs.
SETTINGS = {"batch": 4, "nbs": 4, "warmup_epochs": 1}
NMS_IOU = 0.5  # as in the papers


def parser() -> ArgumentParser:
    """What the command asks for."""
    add = (new := new_parser("demo", __doc__, "--epochs 12")).add_argument
    add("--epochs", type=positive, default=12, help="passes over the 128 drawn images (default: 12)")
    add("--imgsz", type=positive, default=320, help="long side of the network's input in px (default: 320)")
    return new


def run(options: Namespace) -> None:
    """Train, predict, and say what came of it."""
    train_and_predict(epochs=options.epochs, imgsz=options.imgsz)


def train_and_predict(*, epochs: int, imgsz: int) -> Path:
    """Do with `YOLO` what `yolo train` and `yolo predict` do, and say what came of it.

    Drawn faces are not photographs. A few epochs on them find the large faces of the photographs, and much else that
    is none; they show that everything works, and no more.

    Args:
        epochs: passes over the 128 drawn training images.
        imgsz: long side of the network's input [px].

    Returns:
        Folder of the pictures with the detections drawn.
    """
    model = YOLO(MODEL)
    model.train(data=DATA, epochs=epochs, imgsz=imgsz, **SETTINGS)
    trained = model.trainer.best
    results = YOLO(trained).predict(ASSETS, imgsz=imgsz, iou=NMS_IOU, save=True)
    pictures = Path(results[0].save_dir)
    for result in results:
        LOGGER.info(f"{Path(result.path).name}: {len(result.boxes)} detections")
    LOGGER.info(f"Model: {trained}\nPictures: {pictures}")
    return pictures
