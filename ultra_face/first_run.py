"""The first run of a new user: train on drawn faces, then look for faces in the two photographs of Ultralytics."""

from __future__ import annotations

from pathlib import Path

from ultralytics import YOLO
from ultralytics.utils import ASSETS, LOGGER

MODEL = "yolov5n-aesvc.yaml"
DATA = "faces-demo.yaml"


def train_and_predict(*, epochs: int, imgsz: int) -> Path:
    """Do with `YOLO` what `yolo train` and `yolo predict` do, and say what came of it.

    Drawn faces are not photographs: a few epochs on them show that everything works, and no more.

    Args:
        epochs: passes over the 128 drawn training images.
        imgsz: long side of the network's input [px].

    Returns:
        Folder of the pictures with the detections drawn.
    """
    model = YOLO(MODEL)
    model.train(data=DATA, epochs=epochs, imgsz=imgsz)
    trained = model.trainer.best
    results = YOLO(trained).predict(ASSETS, imgsz=imgsz, save=True)
    pictures = Path(results[0].save_dir)
    for result in results:
        LOGGER.info(f"{Path(result.path).name}: {len(result.boxes)} faces above a confidence of 0.25")
    LOGGER.info(f"Model: {trained}\nPictures: {pictures}")
    return pictures
