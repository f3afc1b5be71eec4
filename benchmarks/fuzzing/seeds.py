"""Good files that the broken ones are made of: a small face model as checkpoint and as ONNX file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

MODEL = "yolov5n-face.yaml"
INPUT = 64


@dataclass(frozen=True)
class Seeds:
    """Where they are, and the folder of real photographs, None without."""

    checkpoint: Path
    onnx: Path
    photographs: Path | None


def make_seeds(folder: Path, photographs: Path | None) -> Seeds:
    """Write them into a folder."""
    from ultralytics import YOLO

    folder.mkdir(parents=True)
    model = YOLO(MODEL, task="pose")
    checkpoint = folder / "face.pt"
    model.save(checkpoint)
    onnx = Path(YOLO(checkpoint).export(format="onnx", imgsz=INPUT, dynamic=True, verbose=False))
    return Seeds(checkpoint, onnx, None if photographs is None else photographs.resolve())
