"""A detector that sees the augmented images of a batch: how sure it is of each label, and what no label has.

Of our own. Labels of people are right more often than not, but some faces in them cannot be recognised, and others were
forgotten. What a good detector says of the very view that the model learns from makes a label weigh more or less.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor
from torchvision.ops import box_iou
from ultralytics import YOLO
from ultralytics.nn.modules.head import Pose
from ultralytics.utils.nms import non_max_suppression
from ultralytics.utils.ops import xywh2xyxy, xyxy2xywh

from ultra_face.refinement.refined import Refined

SAME_FACE = 0.45  # IoU from which a box of the teacher shows the face of a label
APART = 0.3  # IoU below which it shows another
LEAST_SCORE = 0.05  # below which the teacher sees nothing
SMALLEST = 3.0  # side of a face that no label has [px]
OVERLAP = 0.5  # IoU of the teacher's suppression


@dataclass(frozen=True)
class Teaching:
    """How much the teacher's word counts.

    Attributes:
        keep: weight of a label that the teacher does not see, 0 to 1.
        full: score of the teacher from which a label weighs 1.
        floor: score from which a face is one that no label has.
        helper: weight of what the helper head learns beside the loss; 0 for no such head.
        keep_in: in place of `keep`, for data sets whose labels hold faces that the teacher does not know.
    """

    keep: float = 0.4
    full: float = 0.8
    floor: float = 0.25
    helper: float = 1.0
    keep_in: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Reject what is no share or weighs less than nothing.

        Raises:
            ValueError: a value out of its range.
        """
        for name, value, holds, words in (
            ("keep", self.keep, 0 <= self.keep <= 1, "from 0 to 1"),
            ("full", self.full, 0 < self.full <= 1, "above 0, up to 1"),
            ("floor", self.floor, LEAST_SCORE <= self.floor <= 1, f"from {LEAST_SCORE} to 1"),
            ("helper", self.helper, 0 <= self.helper < math.inf, "of at least 0"),
            *((f"keep in {name}", keep, 0 <= keep <= 1, "from 0 to 1") for name, keep in self.keep_in.items()),
        ):
            if not holds:
                raise ValueError(f"{name}: expected a number {words}, got {value}; correct it")


class Said(NamedTuple):
    """What the teacher says of a batch.

    Attributes:
        cells: its raw predictions (B, 4 + 1 + 15, N), one a cell: centre, size [px], score, landmarks [px] with
            visibility.
        faces: of each image (F, 6 + 15), after suppression: box xyxy [px], score, class, landmarks.
    """

    cells: Tensor
    faces: Sequence[Tensor]


class Teacher:
    """A face model without anchors, as it is opened by Ultralytics; it learns nothing."""

    def __init__(self, file: str | Path, device: torch.device) -> None:
        """Open a checkpoint.

        Raises:
            FileNotFoundError: no such file.
            ValueError: a model of another kind, or one without weights.
        """
        opened = YOLO(file, task="pose")
        model = opened.model
        if not opened.ckpt or not _can_teach(head := model.model[-1]):
            raise ValueError(
                f"{file}: expected a checkpoint of faces with five landmarks, one class, no anchors, no end2end and no "
                "second look as a teacher, such as a YOLOv8 or yolov5-aesvc-free model; name another"
            )
        self.network = model.float().eval().fuse(verbose=False).to(device).requires_grad_(False)
        self.strides = [int(stride) for stride in head.stride]

    @torch.no_grad()
    def __call__(self, images: Tensor) -> Said:
        """Look at images (B, 3, H, W) in 0..1."""
        with torch.autocast(images.device.type, torch.bfloat16, enabled=images.device.type == "cuda"):
            cells = self.network(images)[0].float()
        return Said(cells, non_max_suppression(cells.clone(), LEAST_SCORE, OVERLAP, nc=1))


def _can_teach(head: object) -> bool:
    """Whether a head gives one face a cell, with five landmarks."""
    if not isinstance(head, Pose) or isinstance(head, Refined):
        return False
    one_a_cell = not getattr(head, "has_anchors", False) and not getattr(head, "end2end", False)
    return one_a_cell and head.nc == 1 and tuple(head.kpt_shape) == (5, 3)


def weigh(boxes: Tensor, seen: Tensor, teaching: Teaching, keep: float | Tensor) -> tuple[Tensor, Tensor]:
    """Weights of labels, and which of the teacher's faces have none.

    A label weighs keep + (1 - keep) x score / full, at most 1, with the score of the best face of the teacher there.

    Args:
        boxes: labels of one image (T, 4), xyxy [px].
        seen: the teacher's faces in it (F, 5 or more), xyxy [px] and score.
        teaching: how much its word counts.
        keep: weight of a label that the teacher does not see, of all or of each (T,).

    Returns:
        Weights (T,), mask (F,).
    """
    overlap, score = box_iou(boxes, seen[:, :4]), seen[:, 4]
    nothing = overlap.new_zeros
    sure = torch.cat([nothing(len(boxes), 1), score * (overlap >= SAME_FACE)], 1).amax(1)
    nearest = torch.cat([nothing(1, len(seen)), overlap], 0).amax(0)
    is_large = (seen[:, 2:4] - seen[:, :2]).amin(1) >= SMALLEST
    weights = keep + (1 - keep) * (sure / teaching.full).clamp(max=1)
    return weights, (score >= teaching.floor) & (nearest < APART) & is_large


def faces_in_pixels(batch: dict[str, Tensor]) -> Tensor:
    """Image and box xyxy [px] of each label (T, 5) of a batch as `taught` takes it."""
    height, width = batch["img"].shape[-2:]
    boxes = xywh2xyxy(batch["bboxes"] * batch["bboxes"].new_tensor([width, height, width, height]))
    return torch.cat([batch["batch_idx"].view(-1, 1), boxes], 1)


def taught(
    batch: dict[str, Tensor], faces: Sequence[Tensor], teaching: Teaching, keep: Tensor | None = None
) -> dict[str, Tensor]:
    """The labels of a batch with weights, and with the faces that only the teacher sees.

    These have no landmarks, and weigh what the teacher's word counts: (1 - keep) x score / full, at most 1 - keep.

    Args:
        batch: Ultralytics' pose batch with `img` (B, 3, H, W), `batch_idx` (T,), `cls` (T, 1), `bboxes` (T, 4) and
            `keypoints` (T, K, 2 or 3), normalised to the input.
        faces: what the teacher sees in each image (F, 5 or more), xyxy [px] and score.
        teaching: how much its word counts.
        keep: of each label (T,), in place of the one of `teaching`.

    Returns:
        The four fields and `face_weights` (T',), by image.
    """
    height, width = batch["img"].shape[-2:]
    index, bboxes, boxes = batch["batch_idx"].view(-1), batch["bboxes"], faces_in_pixels(batch)[:, 1:]
    if keep is None:
        keep = bboxes.new_full((len(bboxes),), teaching.keep)
    scale = bboxes.new_tensor([width, height, width, height])
    weights, new_index, new_boxes, new_weights = bboxes.new_zeros(len(bboxes)), [], [], []
    for image, seen in enumerate(faces):
        here = index == image
        weights[here], is_new = weigh(boxes[here], seen, teaching, keep[here])
        added = seen[is_new]
        new_index.append(index.new_full((len(added),), image))
        new_boxes.append(xyxy2xywh(added[:, :4].clamp(min=0).minimum(scale)) / scale)
        new_weights.append((1 - teaching.keep) * (added[:, 4] / teaching.full).clamp(max=1))
    index = torch.cat([index, *new_index])
    order = index.argsort(stable=True)
    number = len(index) - len(bboxes)
    keypoints = batch["keypoints"]
    return {
        "batch_idx": index[order],
        "cls": torch.cat([batch["cls"], batch["cls"].new_zeros(number, 1)])[order],
        "bboxes": torch.cat([bboxes, *new_boxes])[order],
        "keypoints": torch.cat([keypoints, keypoints.new_zeros(number, *keypoints.shape[1:])])[order],
        "face_weights": torch.cat([weights, *new_weights])[order],
    }
