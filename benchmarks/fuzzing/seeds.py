"""Good files that the broken ones are made of: a small face model as checkpoint and as ONNX file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

MODEL = """nc: 1
kpt_shape: [5, 3]
anchors:
  - [8, 10, 12, 16]
  - [16, 20, 24, 30]
  - [40, 50, 60, 80]
backbone:
  - [-1, 1, Conv, [8, 3, 2]]
  - [-1, 1, Conv, [8, 3, 2]]
  - [-1, 1, MC4f, [8]]
  - [-1, 1, Conv, [8, 3, 2]]
  - [-1, 1, Conv, [8, 3, 2]]
  - [-1, 1, Conv, [8, 3, 2]]
head:
  - [[3, 4, 5], 1, AnchorPose, [nc, kpt_shape, anchors]]
"""
INPUT = 64


@dataclass(frozen=True)
class Seeds:
    """Where they are, and the folder of real photographs, None without."""

    model_yaml: Path
    checkpoint: Path
    onnx: Path
    photographs: Path | None


def make_seeds(folder: Path, photographs: Path | None) -> Seeds:
    """Write them into a folder."""
    from ultralytics import YOLO

    folder.mkdir(parents=True)
    yaml = folder / "small-pose.yaml"
    yaml.write_text(MODEL, encoding="utf-8")
    checkpoint = folder / "face.pt"
    YOLO(yaml).save(checkpoint)
    onnx = Path(YOLO(checkpoint).export(format="onnx", imgsz=INPUT, dynamic=True, verbose=False))
    return Seeds(yaml, checkpoint, onnx, None if photographs is None else photographs.resolve())
