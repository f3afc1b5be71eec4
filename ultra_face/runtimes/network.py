"""What a detector asks of whatever runs its network: a batch of inputs in, raw predictions out, in NumPy arrays."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ultra_face.formats.annotation import NUM_LANDMARKS
from ultra_face.runtimes.score_table import KEY, ScoreTable

Inputs = NDArray[np.float32]
Pixels = NDArray[np.uint8]

MAX_STRIDE = 1024


@dataclass(frozen=True)
class Signature:
    """What a network takes and gives.

    Attributes:
        num_classes: nc, rows of scores.
        landmark_values: values of each landmark: 2 for x and y, 3 with visibility.
        stride: height and width of an input are multiples of it [px].
        fixed_hw: height and width of the only input that it takes [px]; None where any will do.
    """

    num_classes: int
    landmark_values: int
    stride: int
    fixed_hw: tuple[int, int] | None
    source: str = field(default="the network", compare=False)
    """Its file, for errors."""
    score_table: ScoreTable | None = None
    """Scores by precision, where the file carries them."""


class Network(Protocol):
    """A face detector's network, loaded and ready."""

    @property
    def signature(self) -> Signature:
        """What it takes and gives."""

    @property
    def providers(self) -> tuple[str, ...]:
        """What really runs it, in words of the runtime, the first choice first."""

    @property
    def sees_photographs(self) -> bool:
        """Whether it looks into the photographs that its inputs were made from."""

    def __call__(self, inputs: Inputs, photographs: Sequence[Pixels]) -> NDArray[np.floating[Any]]:
        """Run a batch of any size.

        Args:
            inputs: letterboxed images (B, 3, H, W) RGB, 0..1.
            photographs: what each was letterboxed from, (H, W, 3) BGR; none for a network that does not see them.

        Returns:
            Columns (B, 4 + nc + 5 x D, N): centre, size, scores and landmarks [input px]; or, of a file that holds its
            own suppression, rows (B, N, 6 + 5 x D): corners, score, class and landmarks.
        """


def signature_of(
    name: object, metadata: Mapping[str, Any], *, stride: int, fixed_hw: tuple[int, int] | None
) -> Signature:
    """Read what Ultralytics notes about a network, in its exports or on its checkpoints.

    Args:
        name: the file, for errors.
        metadata: `names` of the classes, `kpt_shape`, and perhaps a table of scores.
        stride: see `Signature`.
        fixed_hw: see `Signature`.

    Raises:
        ValueError: a network of another kind.
    """
    names, shape = metadata.get("names"), metadata.get("kpt_shape")
    is_shape = isinstance(shape, (list, tuple)) and list(shape) in ([NUM_LANDMARKS, 2], [NUM_LANDMARKS, 3])
    if not (isinstance(names, Collection) and names and isinstance(shape, (list, tuple)) and is_shape):
        got = "no landmarks" if shape is None else f"kpt_shape {shape}" if not is_shape else f"the classes {names}"
        raise ValueError(
            f"{name}: expected a face model of Ultralytics with kpt_shape [5, 3] or [5, 2], got one with {got}; "
            "name a face model, or the file that `yolo export` makes of one"
        )
    if not 1 <= stride <= MAX_STRIDE:
        raise ValueError(f"{name}: expected a stride of 1 to {MAX_STRIDE} px, got {stride}; export the model again")
    table = ScoreTable.read(metadata.get(KEY), name)
    return Signature(len(names), int(shape[1]), stride, fixed_hw, str(name), table)


def run_in_parts(run: Callable[[Inputs], NDArray[Any]], inputs: Inputs, size: int | None) -> NDArray[Any]:
    """Run a batch through a network that takes `size` inputs at once, no more and no fewer; None takes any number."""
    if size is None:
        return run(inputs)
    outputs = []
    for start in range(0, len(inputs), size):
        part = inputs[start : start + size]
        blank = np.zeros((size - len(part), *part.shape[1:]), part.dtype)
        outputs.append(run(np.concatenate([part, blank]) if len(blank) else part)[: len(part)])
    return np.concatenate(outputs)
