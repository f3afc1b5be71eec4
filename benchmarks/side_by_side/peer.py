"""Detectors of others in ONNX files, with the adapters of `peers/`."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from benchmarks.peers.cost import cost
from benchmarks.peers.detector import Detector
from benchmarks.peers.table import name_of, open_detector
from benchmarks.side_by_side.contestant import ONNX_RUNTIME, Contestant, Cost, OpenContestant, Settings, Stages
from ultra_face.evaluation.detect_folders import load_image
from ultra_face.faces import Faces


class Peer(Contestant):
    """An ONNX file that `peers/table.py` knows by its name.

    Args:
        file: the file.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a name that the table does not know, or a file that is not what its name says.
    """

    runtime = ONNX_RUNTIME
    is_trained = True

    def __init__(self, file: Path) -> None:
        self.file, self.name = file, name_of(file)
        counted = cost(file, open_detector(file).size)
        self.cost = Cost(counted.parameters, counted.gflops, file.stat().st_size / 1e6)

    def open(self, settings: Settings) -> OpenContestant:
        """Open its session; a size that is fixed in the file stays."""
        return _OpenPeer(
            open_detector(
                self.file,
                num_threads=settings.num_threads,
                confidence=settings.confidence,
                nms_iou=settings.nms_iou,
            ),
            settings.max_det,
        )


class _OpenPeer(OpenContestant):
    def __init__(self, detector: Detector, max_det: int) -> None:
        self.detector, self.max_det = detector, max_det

    def __call__(self, photograph: Path) -> tuple[Faces, Stages]:
        clock = [time.perf_counter()]
        image = load_image(photograph)
        clock.append(time.perf_counter())
        tensor, view = self.detector.preprocess(image)
        clock.append(time.perf_counter())
        outputs = self.detector.infer(tensor)
        clock.append(time.perf_counter())
        found = self.detector.decode(outputs, view)
        clock.append(time.perf_counter())
        best = slice(self.max_det)
        faces = Faces(found.boxes_xyxy[best], found.landmarks[best], found.scores[best])
        return faces, Stages(*np.diff(clock).tolist())
