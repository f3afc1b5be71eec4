"""FaceLoss = alpha-CIoU + lambda x wing, with the score terms of anchors. Source: YOLOv5n-AESVC, equation 5.

`AnchorFaceLoss` serves AnchorPose; `free_face_loss.py` has those of FacePose. It returns what Ultralytics' own criteria
return, and scales its terms by their gains: `box`, `pose`, `kobj` and `cls`.

Deviations: alpha may rise during training, see `plugin/callbacks/training.py`; in the YAMLs of the paper's rows it does
not. The score terms are summed over all anchors and divided by the summed targets, as in Ultralytics' anchor-free loss,
instead of averaged a level and weighed: `box : cls` then has the same balance for both heads. What else the settings
offer is off in those YAMLs, which leaves the equation as it is.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, one_hot

from ultra_face.losses.alpha_iou import alpha_ciou_loss
from ultra_face.losses.assign import match_anchors
from ultra_face.losses.crowds import image_weights
from ultra_face.losses.landmarks import annotated, landmark_loss, visibility_loss
from ultra_face.losses.settings import FaceLossSettings
from ultra_face.losses.simota import matching_cost, simota

EPS = 1e-7
FIELDS = ("batch_idx", "cls", "bboxes", "keypoints", "face_weights")
"""Of a batch; the last where faces are not all as certain."""


class AnchorHead(Protocol):
    """What `AnchorFaceLoss` needs of a head; see `AnchorPose`."""

    nc: int
    kpt_shape: tuple[int, int]
    stride: Tensor
    anchor_wh: Tensor

    def decode_boxes(self, values: Tensor, anchors: Tensor, *, dim: int) -> tuple[Tensor, Tensor]:
        """Box values (M, 4) and anchors (M, 2) [strides] -> centre, size (M, 2) [strides] from its top left."""
        ...

    def decode_landmarks(self, values: Tensor, anchors: Tensor, middle: Tensor | float) -> Tensor:
        """Offsets (M, K, 2), anchors (M, 1, 2) and the cell's middle [strides] -> landmarks (M, K, 2) [strides]."""
        ...


class Positives(NamedTuple):
    """Anchors that fit a face in shape and place, M over all levels; lengths in strides of each one's own level.

    Attributes:
        values: raw outputs (M, 5 + nc + nk).
        anchors: width and height (M, 2).
        boxes_xyxy: the face's box (M, 4), from the top left of the cell.
        landmarks: the face's landmarks (M, K, 2), from the top left of the cell.
        face: row of the batch's targets (M,).
        slot: position among the objectness outputs of all levels (M,).
    """

    values: Tensor
    anchors: Tensor
    boxes_xyxy: Tensor
    landmarks: Tensor
    face: Tensor
    slot: Tensor

    def those(self, kept: Tensor) -> Positives:
        """The positives of a mask (M,)."""
        return Positives(*(field[kept] for field in self))


class AnchorFaceLoss:
    """Criterion of AnchorPose: raw maps and a batch -> losses (5,) times batch size, and the detached items by name."""

    def __init__(
        self, head: AnchorHead, gains: Any, settings: FaceLossSettings, *, class_weights: Tensor | None = None
    ) -> None:
        """Take the head, the gains of the run, and the weight of each class (nc,) in the class term; None for equal."""
        self.head, self.gains, self.settings = head, gains, settings
        self.class_weights = torch.ones(head.nc) if class_weights is None else class_weights.float()
        self.alpha = settings.alpha

    def anneal(self, progress: float) -> None:
        """Set alpha for this share of the training, 0 to 1."""
        self.alpha = self.settings.alpha_at(progress)

    def __call__(self, preds: Any, batch: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """Compute the loss.

        Args:
            preds: `{"raw": maps (B, A, 5 + nc + nk, H, W) a level}`, or a tuple that ends with it.
            batch: Ultralytics' pose batch: `batch_idx` (T,), `cls` (T, 1), `bboxes` (T, 4) and `keypoints` (T, K, 2 or
                3), normalised to the input; `face_weights` (T,) in 0..1 where faces are not all as certain, which then
                scale the targets of objectness, too.
        """
        maps: list[Tensor] = (preds[-1] if isinstance(preds, (tuple, list)) else preds)["raw"]
        batch = {name: batch[name].to(maps[0].device) for name in FIELDS if name in batch}
        image_index, num_images = batch["batch_idx"].long().view(-1), maps[0].shape[0]
        images = image_weights(image_index, num_images, exponent=self.settings.crowd_exponent)
        classes = one_hot(batch["cls"].long().view(-1), self.head.nc)

        positives = self._best(self._positives(maps, image_index, batch), classes)
        face = positives.face
        box, _, cls, points = self._split(positives.values)
        visible, wanted = annotated(batch["keypoints"])[face], classes[face].to(cls)

        center, size = self.head.decode_boxes(box, positives.anchors, dim=1)
        box_loss, ciou = alpha_ciou_loss(_corners(center, size), positives.boxes_xyxy, alpha=self.alpha)
        quality = ciou.detach().clamp(min=0).view(-1)
        certain = batch["face_weights"][face] if "face_weights" in batch else torch.ones_like(quality)
        weight = quality.pow(self.settings.positive_exponent) * images[image_index[face]] * certain
        total = weight.sum().clamp(min=EPS)

        landmarks = self.head.decode_landmarks(points[..., :2], positives.anchors[:, None], 0.5)
        of_faces = {"size": _sizes(positives.boxes_xyxy), "weight": weight}
        pose_loss = landmark_loss(landmarks, positives.landmarks, visible, self.settings, **of_faces)
        kobj_loss = cls.new_zeros(())
        if points.shape[2] == 3:
            kobj_loss = visibility_loss(points[..., 2], visible, weight=weight)
        class_weight = self.class_weights.to(cls) * weight[:, None]
        cls_loss = binary_cross_entropy_with_logits(cls, wanted, weight=class_weight, reduction="sum") / total
        obj_loss = objectness_loss(maps, positives.slot, quality, certain, images, self.settings)

        gains = self.gains
        losses = torch.stack(
            [
                gains.box * (weight[:, None] * box_loss).sum() / total,
                gains.pose * (self.settings.landmark_weight * pose_loss),
                gains.kobj * kobj_loss,
                gains.cls * cls_loss,
                gains.cls * (self.settings.objectness_gain * obj_loss),
            ]
        )
        names = ("box_loss", "pose_loss", "kobj_loss", "cls_loss", "obj_loss")
        return losses * num_images, dict(zip(names, losses.detach(), strict=True))

    def _split(self, values: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Raw outputs (M, 5 + nc + nk) -> box (M, 4), objectness (M, 1), classes (M, nc), landmarks (M, K, 2 or 3)."""
        box, objectness, cls, points = torch.split(
            values, [4, 1, self.head.nc, values.shape[1] - 5 - self.head.nc], dim=1
        )
        return box, objectness, cls, torch.unflatten(points, 1, (self.head.kpt_shape[0], -1))

    def _best(self, positives: Positives, classes: Tensor) -> Positives:
        """The positives that SimOTA leaves, where the settings ask for it; classes of the faces (T, nc), one-hot."""
        if not self.settings.simota:
            return positives
        with torch.no_grad():
            box, objectness, cls, _ = self._split(positives.values)
            center, size = self.head.decode_boxes(box, positives.anchors, dim=1)
            _, ciou = alpha_ciou_loss(_corners(center, size), positives.boxes_xyxy)
            overlap = ciou.clamp(min=0).view(-1)
            cost = matching_cost(overlap, objectness.sigmoid() * cls.sigmoid(), classes[positives.face].to(cls))
            kept = simota(positives.face, positives.slot, overlap, cost, candidates=self.settings.simota)
        return positives.those(kept)

    def _positives(self, maps: list[Tensor], image_index: Tensor, batch: dict[str, Tensor]) -> Positives:
        """Every anchor that fits a face, level by level."""
        boxes, landmarks = batch["bboxes"].float(), batch["keypoints"][..., :2].float()
        levels, first_slot = [], 0
        for raw, anchor_wh, stride in zip(maps, self.head.anchor_wh, self.head.stride, strict=True):
            height, width = raw.shape[-2:]
            grid = torch.tensor([width, height], device=raw.device)
            anchors = (anchor_wh / stride).to(raw.device, torch.float32)
            match = match_anchors(
                image_index,
                boxes * grid.repeat(2),
                anchors,
                (height, width),
                ratio_limit=self.settings.ratio_limit,
            )
            corner = torch.stack([match.column, match.row], 1)
            center, size = boxes[match.face, :2] * grid - corner, boxes[match.face, 2:] * grid
            slot = ((match.image * raw.shape[1] + match.anchor) * height + match.row) * width + match.column
            levels.append(
                Positives(
                    raw[match.image, match.anchor, :, match.row, match.column].float(),
                    anchors[match.anchor],
                    _corners(center, size),
                    landmarks[match.face] * grid - corner[:, None],
                    match.face,
                    first_slot + slot,
                )
            )
            first_slot += raw[:, :, 0].numel()
        return Positives(*(torch.cat(fields) for fields in zip(*levels, strict=True)))


def objectness_loss(
    maps: list[Tensor], slot: Tensor, quality: Tensor, certain: Tensor, images: Tensor, settings: FaceLossSettings
) -> Tensor:
    """Cross-entropy of every objectness output over the summed quality of the positives, ().

    Args:
        maps: raw outputs (B, A, 5 + nc + nk, H, W) of each level.
        slot: positions of the positives among the objectness outputs of all levels (M,).
        quality: the CIoU of their predicted boxes (M,) in 0..1.
        certain: the weights of their faces (M,) in 0..1; of two faces at one slot the larger target counts.
        images: weight of each image (B,).
        settings: exponents of the quality in the targets and in the sum.
    """
    logits = torch.cat([raw[:, :, 4].flatten() for raw in maps]).float()
    weight = torch.cat([images.repeat_interleave(raw[0, :, 0].numel()) for raw in maps])
    wanted = quality.pow(settings.objectness_target) * certain
    target = torch.zeros_like(logits).scatter_reduce_(0, slot, wanted, "amax")
    loss = binary_cross_entropy_with_logits(logits, target, weight=weight, reduction="sum")
    return loss / (weight[slot] * quality.pow(settings.objectness_divisor) * certain).sum().clamp(min=1)


def _corners(center: Tensor, size: Tensor) -> Tensor:
    """Centre and size (M, 2) each -> boxes xyxy (M, 4)."""
    half = size / 2
    return torch.cat([center - half, center + half], dim=1)


def _sizes(boxes_xyxy: Tensor) -> Tensor:
    """Roots of the areas of boxes (M, 4) -> (M,), in their unit."""
    return (boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]).prod(1).sqrt()
