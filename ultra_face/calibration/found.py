"""What a model finds on labelled photographs: each box with whether it is right, and the cell that found it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from ultralytics.nn.modules.head import Pose

from ultra_face.detection.predictions import read_predictions
from ultra_face.detection.suppression import suppress
from ultra_face.detection.views import Plan
from ultra_face.evaluation.detect_folders import load_image
from ultra_face.evaluation.ground_truth import GroundTruth
from ultra_face.evaluation.photographs import Photographs
from ultra_face.evaluation.protocol import Evaluation, evaluate
from ultra_face.evaluation.reliability import Judged
from ultra_face.formats.result_files import to_rows
from ultra_face.refinement.refined import Refined
from ultra_face.runtimes.network import Signature, signature_of

Progress = Callable[[Iterable[Any]], Iterable[Any]]
ALL = "all"

LEAST_SCORE = 0.001
"""Of a box that enters a precision."""

IOU = 0.5

THRESHOLDS = 100_000
"""Of score in a precision: so many that its order alone counts. The protocol's 1,000 would join small chances."""


@dataclass(frozen=True, eq=False)
class Cells:
    """What found each of n boxes.

    Attributes:
        levels: (n,) index of the level.
        anchors_wh: (n, 2) of the anchor [input px]; NaN for a head without.
        boxes_wh: (n, 2) of the box itself [input px].
    """

    levels: NDArray[np.int64]
    anchors_wh: NDArray[np.float64]
    boxes_wh: NDArray[np.float64]

    def __getitem__(self, chosen: NDArray[Any]) -> Cells:
        """Those of a mask or of indices."""
        return Cells(self.levels[chosen], self.anchors_wh[chosen], self.boxes_wh[chosen])


@dataclass(frozen=True, eq=False)
class Found:
    """The boxes of one model on photographs, all in pixels of its input.

    Attributes:
        evaluation: matched with the labelled faces.
        judged: boxes that claim a face or none, which are all.
        cells: of these.
    """

    evaluation: Evaluation
    judged: Judged
    cells: Cells


@dataclass(frozen=True, eq=False)
class Seen:
    """One photograph: its faces, its detections `x y w h score`, and their cells, in input pixels."""

    faces_xywh: NDArray[np.float64]
    rows: NDArray[np.float64]
    cells: Cells


def look(
    model: Any,
    photographs: Photographs,
    size: int,
    *,
    least_score: float = LEAST_SCORE,
    progress: Progress = iter,
) -> dict[str, Seen]:
    """Run a model on each photograph.

    Of a refining model this is the first look: the second one asks the same convolutions, of enlarged windows.

    Args:
        model: Ultralytics' network of a pose model; it stays as it is.
        photographs: with labels.
        size: longer side of the input [px].
        least_score: only boxes that score higher take part.
        progress: wraps the photographs.

    Raises:
        ValueError: scores that are no numbers, or a head whose boxes cannot be traced to its cells.
    """
    network = _plain(model)
    head = network.model[-1]
    signature = signature_of("the model", {"names": model.names, "kpt_shape": head.kpt_shape}, stride=32, fixed_hw=None)
    plan = Plan(sizes_hw=((size, size),), stride=int(max(head.stride)))
    assert photographs.truth is not None
    seen = {}
    for name, file in progress(photographs.files.items()):
        pixels = load_image(file)
        (view,) = plan.views((pixels.shape[0], pixels.shape[1]))
        inputs = np.empty((1, 3, *view.letterbox.input_hw), np.float32)
        view.fill(inputs[0], pixels)
        with torch.inference_mode():
            output = network(torch.from_numpy(inputs))
        columns: NDArray[np.float32] = output[0][0].numpy()
        if not np.isfinite(columns).all():
            raise ValueError(f"{file}: expected numbers from the model, got NaN or infinity; train it again")
        to_input = np.linalg.inv(view.letterbox.to_image)
        scale, shift = np.tile(to_input.diagonal()[:2], 2), np.append(to_input[:2, 2], (0, 0))
        faces = photographs.landmarks[name].boxes_xywh * scale + shift
        cells = Cells(*places(head, view.letterbox.input_hw), columns[2:4].T.astype(np.float64))
        seen[name] = _seen(columns, signature, cells, faces, least_score)
    return seen


def gather(seen: Mapping[str, Seen], names: Sequence[str] | None = None) -> Found:
    """The boxes of some photographs, or of all, together."""
    chosen = list(seen) if names is None else list(names)
    faces = {name: seen[name].faces_xywh for name in chosen}
    counted = {ALL: {name: np.ones(len(boxes), np.bool_) for name, boxes in faces.items()}}
    truth, rows = GroundTruth.from_arrays(faces, counted), {name: seen[name].rows for name in chosen}
    evaluation = evaluate(truth, rows, num_thresholds=THRESHOLDS)
    judged = evaluation.judged(ALL)
    parts = [seen[name].cells for name in chosen]
    cells = Cells(*(np.concatenate([getattr(part, item.name) for part in parts]) for item in fields(Cells)))
    return Found(evaluation, judged, cells[judged.boxes])


def _plain(model: Any) -> Any:
    """A copy in single precision for inference, whose head takes no second look.

    Raises:
        ValueError: a head that suppresses by itself, so that nobody knows which level a box comes from.
    """
    network = copy.deepcopy(model).float().cpu().eval()
    head = network.model[-1]
    if not isinstance(head, Pose):
        raise ValueError(
            f"expected a model that ends in AnchorPose, FacePose or Ultralytics' Pose, got {type(head).__name__}; name "
            "a face model"
        )
    if getattr(head, "end2end", False):
        raise ValueError("expected a model that needs NMS, got end2end; train it with `end2end: false`")
    if isinstance(head, Refined):
        head.sr = head.sr.changed(windows=0, ciou_nms=0)
    return network


def places(head: Any, input_hw: tuple[int, int]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Level (N,) and anchor (N, 2) [input px] of each prediction, in the order of the head's output."""
    anchors = getattr(head, "anchor_wh", None)
    levels, sizes = [], []
    for level, stride in enumerate(head.stride.tolist()):
        cells = round(input_hw[0] / stride) * round(input_hw[1] / stride)
        of_level = np.full((1, 2), np.nan) if anchors is None else anchors[level].double().cpu().numpy()
        levels.append(np.full(cells * len(of_level), level, np.int64))
        sizes.append(np.repeat(of_level, cells, axis=0))
    return np.concatenate(levels), np.concatenate(sizes)


def _seen(
    columns: NDArray[np.float32],
    signature: Signature,
    cells: Cells,
    faces_xywh: NDArray[np.float64],
    least_score: float,
) -> Seen:
    """One photograph, from the columns (4 + nc + nk, N) that a network gives and what each of them is found by."""
    found = read_predictions(columns, signature, confidence=least_score)
    chosen = np.flatnonzero(columns[4 : 4 + signature.num_classes].max(axis=0) > least_score)
    kept = suppress(found.boxes_xyxy, found.scores, iou=IOU)
    rows = to_rows(found.boxes_xyxy[kept], found.scores[kept])
    return Seen(faces_xywh, rows, cells[chosen[kept]])
