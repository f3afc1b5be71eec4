"""The table of other detectors: which class reads which file."""

from __future__ import annotations

from fnmatch import fnmatch
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.peers.detector import Detector
from benchmarks.peers.faceboxes import FaceBoxes
from benchmarks.peers.retinaface import RetinaFace
from benchmarks.peers.rfb import RFB
from benchmarks.peers.scrfd import SCRFD
from benchmarks.peers.yolo5face import YOLO5Face
from benchmarks.peers.yunet import YuNet


class Adapter(NamedTuple):
    """A class and the names of the files that it reads, as a shell pattern."""

    detector: type[Detector]
    pattern: str


# Names are those of results/published.yaml; the published FaceBoxes is the first version.
ADAPTERS: dict[str, Adapter] = {
    "SCRFD-0.5GF": Adapter(SCRFD, "scrfd_500m*.onnx"),
    "SCRFD-2.5GF": Adapter(SCRFD, "scrfd_2.5g*.onnx"),
    "YOLO5Face (YOLOv5n-0.5)": Adapter(YOLO5Face, "yolov5n-0.5*.onnx"),
    "YuNet n": Adapter(YuNet, "yunet_n*.onnx"),
    "RetinaFace (MobileNet0.25)": Adapter(RetinaFace, "retinaface*.onnx"),
    "Ultra-Light RFB": Adapter(RFB, "version-RFB*.onnx"),
    "FaceBoxes v2": Adapter(FaceBoxes, "faceboxes*.onnx"),
}


def name_of(file: str | Path) -> str:
    """The row of `ADAPTERS` whose pattern the file's name fits.

    Raises:
        ValueError: a name that fits none.
    """
    if rows := _rows(file):
        return rows[0]
    patterns = ", ".join(adapter.pattern for adapter in ADAPTERS.values())
    raise ValueError(f"{file}: expected a file named like one of {patterns}; rename it or add a row to peers/table.py")


def is_known(file: str | Path) -> bool:
    """Whether a file's name fits a row of `ADAPTERS`."""
    return bool(_rows(file))


def _rows(file: str | Path) -> list[str]:
    return [name for name, adapter in ADAPTERS.items() if fnmatch(Path(file).name, adapter.pattern)]


def open_detector(file: str | Path, **settings: Any) -> Detector:
    """The detector of a file by its name; settings as `Detector` takes them.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a name that fits no row, or a file that is not what its name says.
    """
    return ADAPTERS[name_of(file)].detector(file, **settings)
