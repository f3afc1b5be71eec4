"""FaceLoss as it was before its settings offered anything that the paper's equation does not have, word for word.

Against it the tests hold that the paper's YAMLs still train with that equation, to the last bit. The one change: it
measures by the `wing` of the package.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits
from ultralytics.utils.loss import BboxLoss, v8PoseLoss

from ultra_face.losses.alpha_iou import alpha_ciou_loss
from ultra_face.losses.assign import match_anchors
from ultra_face.losses.landmarks import wing
from ultra_face.losses.settings import FaceLossSettings


def landmark_loss(predicted: Tensor, target: Tensor, visible: Tensor, settings: FaceLossSettings) -> Tensor:
    """Mean wing loss over the coordinates of visible landmarks, () in float32; 0 where none is visible.

    Args:
        predicted: landmarks (N, K, 2) [strides].
        target: landmarks (N, K, 2) [strides], same frame.
        visible: mask (N, K).
        settings: width and epsilon of the wing.
    """
    error = torch.where(visible[..., None], predicted.float() - target.float(), 0.0)
    loss = wing(error, width=settings.wing_width, epsilon=settings.wing_epsilon)
    return loss.sum() / (2 * visible.sum()).clamp(min=1)


def visibility_loss(logits: Tensor, visible: Tensor) -> Tensor:
    """Binary cross-entropy of the visibility (N, K) of landmarks; 0 where N is 0.

    Faces of which no landmark is annotated are left out: nothing is known of them.
    """
    known = visible.any(dim=1, keepdim=True).expand_as(visible)
    loss = binary_cross_entropy_with_logits(logits.float(), visible.float(), reduction="none")
    return torch.where(known, loss, 0.0).sum() / known.sum().clamp(min=1)


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


class AnchorFaceLoss:
    """Criterion of AnchorPose: raw maps and a batch -> losses (5,) times batch size, and the detached items by name."""

    def __init__(
        self, head: Any, gains: Any, settings: FaceLossSettings, *, class_weights: Tensor | None = None
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
                3), normalised to the input.
        """
        maps: list[Tensor] = (preds[-1] if isinstance(preds, (tuple, list)) else preds)["raw"]
        batch = {name: batch[name].to(maps[0].device) for name in ("batch_idx", "cls", "bboxes", "keypoints")}
        classes = batch["cls"].long().view(-1)
        visible = _visible(batch["keypoints"])

        values, anchors, boxes, landmarks, face, slot = self._positives(maps, batch)
        nc, count = self.head.nc, max(len(face), 1)
        box, _, cls, points = torch.split(values, [4, 1, nc, values.shape[1] - 5 - nc], dim=1)
        points = torch.unflatten(points, 1, (self.head.kpt_shape[0], -1))
        face_visible = visible[face]

        center, size = self.head.decode_boxes(box, anchors, dim=1)
        box_loss, ciou = alpha_ciou_loss(_corners(center, size), boxes, alpha=self.alpha)
        decoded = self.head.decode_landmarks(points[..., :2], anchors[:, None], 0.5)
        pose_loss = self.settings.landmark_weight * landmark_loss(decoded, landmarks, face_visible, self.settings)
        kobj_loss = visibility_loss(points[..., 2], face_visible) if points.shape[2] == 3 else values.new_zeros(())
        one_hot = torch.zeros_like(cls).scatter_(1, classes[face, None], 1.0)
        weights = self.class_weights.to(cls)
        cls_loss = binary_cross_entropy_with_logits(cls, one_hot, weight=weights, reduction="sum") / count
        obj_loss = objectness_loss(maps, slot, ciou.detach().clamp(min=0).view(-1))

        gains = self.gains
        losses = torch.stack(
            [
                gains.box * box_loss.sum() / count,
                gains.pose * pose_loss,
                gains.kobj * kobj_loss,
                gains.cls * cls_loss,
                gains.cls * obj_loss,
            ]
        )
        names = ("box_loss", "pose_loss", "kobj_loss", "cls_loss", "obj_loss")
        return losses * maps[0].shape[0], dict(zip(names, losses.detach(), strict=True))

    def _positives(self, maps: list[Tensor], batch: dict[str, Tensor]) -> Positives:
        """Every anchor that fits a face, level by level."""
        image_index = batch["batch_idx"].long().view(-1)
        boxes, landmarks = batch["bboxes"].float(), batch["keypoints"][..., :2].float()
        levels, first_slot = [], 0
        for raw, anchor_wh, stride in zip(maps, self.head.anchor_wh, self.head.stride, strict=True):
            height, width = raw.shape[-2:]
            grid = torch.tensor([width, height], device=raw.device)
            anchors = (anchor_wh / stride).to(raw.device, torch.float32)
            match = match_anchors(image_index, boxes * grid.repeat(2), anchors, (height, width))
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


def objectness_loss(maps: list[Tensor], slot: Tensor, quality: Tensor) -> Tensor:
    """Cross-entropy of every objectness output over the summed quality of the positives, ().

    Args:
        maps: raw outputs (B, A, 5 + nc + nk, H, W) of each level.
        slot: positions of the positives among the objectness outputs of all levels (M,).
        quality: their targets (M,) in 0..1, the CIoU of the predicted box; of two faces at one slot the larger counts.
    """
    logits = torch.cat([raw[:, :, 4].flatten() for raw in maps]).float()
    target = torch.zeros_like(logits).scatter_reduce_(0, slot, quality, "amax")
    return binary_cross_entropy_with_logits(logits, target, reduction="sum") / quality.sum().clamp(min=1)


class WingKeypointLoss(nn.Module):
    """The wing term in the place of Ultralytics' keypoint loss, which is called with landmarks in strides."""

    def __init__(self, settings: FaceLossSettings) -> None:
        super().__init__()
        self.settings = settings

    def forward(self, pred_kpts: Tensor, gt_kpts: Tensor, kpt_mask: Tensor, area: Tensor) -> Tensor:
        """Weighted mean wing loss of landmarks (N, K, 2 or 3) [strides]; the area of the faces has no part in it."""
        error = landmark_loss(pred_kpts[..., :2], gt_kpts[..., :2], kpt_mask, self.settings)
        return self.settings.landmark_weight * error


class AlphaBboxLoss(BboxLoss):  # type: ignore[misc]
    """Ultralytics' box loss with alpha-CIoU in the place of CIoU; its distribution focal loss stays."""

    def __init__(self, reg_max: int, alpha: float) -> None:
        super().__init__(reg_max)
        self.alpha = alpha

    def forward(
        self,
        pred_dist: Tensor,
        pred_bboxes: Tensor,
        anchor_points: Tensor,
        target_bboxes: Tensor,
        target_scores: Tensor,
        target_scores_sum: Tensor,
        fg_mask: Tensor,
        imgsz: Tensor,
        stride: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Box and distribution loss of boxes xyxy (B, N, 4) [strides], arguments as Ultralytics passes them."""
        targets = target_bboxes, target_scores, target_scores_sum, fg_mask
        ciou_loss, dfl_loss = super().forward(pred_dist, pred_bboxes, anchor_points, *targets, imgsz, stride)
        if self.alpha == 1:
            return ciou_loss, dfl_loss
        positives = fg_mask.nonzero(as_tuple=True)
        weight = target_scores[positives].sum(-1, keepdim=True)
        loss, _ = alpha_ciou_loss(pred_bboxes[positives], target_bboxes[positives], alpha=self.alpha)
        return (loss * weight).sum() / target_scores_sum, dfl_loss


class FreeFaceLoss(v8PoseLoss):  # type: ignore[misc]
    """Criterion of FacePose: Ultralytics' assignment and score terms, alpha-CIoU for boxes, wing for landmarks.

    alpha = 1 and landmark_weight = 0 give Ultralytics' own loss with `pose=0`.
    """

    def __init__(self, model: nn.Module, settings: FaceLossSettings, **assignment: Any) -> None:
        super().__init__(model, **assignment)
        self.settings = settings
        self.bbox_loss = AlphaBboxLoss(self.reg_max, settings.alpha).to(self.device)
        self.keypoint_loss = WingKeypointLoss(settings)

    def loss(self, preds: dict[str, Tensor], batch: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """Ultralytics' loss of the head's outputs, where landmarks without a flag can be missing too."""
        keypoints = batch["keypoints"]
        flagged = torch.cat([keypoints[..., :2], _visible(keypoints)[..., None].to(keypoints)], -1)
        result: tuple[Tensor, dict[str, Tensor]] = super().loss(preds, batch | {"keypoints": flagged})
        return result

    def anneal(self, progress: float) -> None:
        """Set alpha for this share of the training, 0 to 1."""
        self.bbox_loss.alpha = self.settings.alpha_at(progress)


def _corners(center: Tensor, size: Tensor) -> Tensor:
    """Centre and size (M, 2) each -> boxes xyxy (M, 4)."""
    half = size / 2
    return torch.cat([center - half, center + half], dim=1)


def _visible(keypoints: Tensor) -> Tensor:
    """Which landmarks are annotated: (T, K, 3) by their flag, (T, K, 2) by not lying at the origin -> (T, K)."""
    return keypoints[..., 2] != 0 if keypoints.shape[-1] == 3 else (keypoints != 0).any(-1)
