"""What is measured of a detector: what it costs, what it finds, and how long each step takes it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from ultra_face.faces import Faces

RUNTIMES = PYTORCH, ONNX_RUNTIME = "PyTorch", "ONNX Runtime"


class Stages(NamedTuple):
    """Seconds of one photograph, from its file to its faces.

    Attributes:
        read: reading and decoding the file, and what the caller does around the other steps.
        preprocess: resizing, padding and conversion to the network's input.
        model: the network alone.
        postprocess: decoding of outputs, suppression and results.
    """

    read: float
    preprocess: float
    model: float
    postprocess: float


class Cost(NamedTuple):
    """What a detector costs wherever it runs.

    Attributes:
        parameters: learned numbers of the network.
        gflops: billions of operations of its convolutions at the input size; multiplication and addition are two.
        megabytes: size of its file.
    """

    parameters: int
    gflops: float
    megabytes: float


@dataclass(frozen=True)
class Settings:
    """How every contestant is run.

    Attributes:
        size: side of the square input [px].
        num_threads: threads of the network.
        confidence: lowest score of a face that is reported.
        nms_iou: overlap from which two boxes are one face; None leaves it to each detector.
        max_det: most faces of a photograph.
    """

    size: int = 640
    num_threads: int = 1
    confidence: float = 0.25
    nms_iou: float | None = 0.5
    max_det: int = 3000


class Contestant(ABC):
    """A detector with its runtime.

    Attributes:
        name: of the model, as tables show it.
        runtime: what runs its network.
        is_trained: whether its accuracy means anything.
        cost: what it costs.
    """

    name: str
    runtime: str
    is_trained: bool
    cost: Cost

    @abstractmethod
    def open(self, settings: Settings) -> OpenContestant:
        """Load it, ready to run with these settings."""


class OpenContestant(ABC):
    """A detector that is loaded."""

    @abstractmethod
    def __call__(self, photograph: Path) -> tuple[Faces, Stages]:
        """Find the faces [px of the photograph] in an image file; landmarks NaN where there are none."""
