"""FaceLoss = alpha-CIoU + lambda x wing, with the score terms of each head. Source: YOLOv5n-AESVC, equation 5.

`AnchorFaceLoss` serves AnchorPose, `FreeFaceLoss` the anchor-free FacePose. Both return what Ultralytics' own criteria
return, and scale their terms by its gains: `box`, `pose`, `kobj`, `cls`, `dfl`.

Deviation: the score terms are summed over all anchors and divided by the summed targets, as in Ultralytics' anchor-free
loss, instead of averaged a level and weighed: `box : cls` then has the same balance for both heads.
"""

from __future__ import annotations

from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits
from ultralytics.utils.loss import BboxLoss, v8PoseLoss

from ultra_face.losses.alpha_iou import alpha_ciou_loss
from ultra_face.losses.assign import match_anchors
from ultra_face.losses.landmarks import landmark_loss, visibility_loss
from ultra_face.losses.settings import FaceLossSettings


class AnchorHead(Protocol):
    """What `AnchorFaceLoss` needs of a head; see `AnchorPose`."""

    nc: int
    kpt_shape: tuple[int, int]
    stride: Tensor
    anchor_wh: Tensor

    def relative_boxes(self, values: Tensor, anchors: Tensor) -> Tensor:
        """Decode box values (M, 4) with anchors (M, 2) [strides] to xyxy (M, 4) [strides] relative to the cell."""
        ...

    def relative_landmarks(self, values: Tensor, anchors: Tensor) -> Tensor:
        """Decode landmark values (M, K, 2) with anchors (M, 2) [strides] to (M, K, 2) [strides] relative to the cell."""
        ...


class AnchorFaceLoss:
    """Criterion of AnchorPose: raw maps and a batch -> losses (5,) times batch size, and the detached items by name."""

    def __init__(self, head: AnchorHead, gains: Any, settings: FaceLossSettings) -> None:
        self.head, self.gains, self.settings = head, gains, settings

    def __call__(self, preds: Any, batch: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """Compute the loss.

        Args:
            preds: `{"raw": maps (B, A, 5 + nc + nk, H, W) a level}`, or a tuple that ends with it.
            batch: Ultralytics' pose batch: `batch_idx` (T,), `cls` (T, 1), `bboxes` (T, 4) and `keypoints` (T, K, 2 or
                3), normalised to the input.
        """
        maps: list[Tensor] = (preds[-1] if isinstance(preds, (tuple, list)) else preds)["raw"]
        device, batch_size = maps[0].device, maps[0].shape[0]
        head, num_landmarks = self.head, self.head.kpt_shape[0]

        image_index = batch["batch_idx"].to(device).long().view(-1)
        classes = batch["cls"].to(device).long().view(-1)
        boxes = batch["bboxes"].to(device).float()
        landmarks = batch["keypoints"].to(device).float()
        visible = landmarks[..., 2] != 0 if landmarks.shape[-1] == 3 else (landmarks != 0).any(-1)

        values, relative_target, relative_points, faces, anchor_sizes, cells = [], [], [], [], [], []
        for level, raw in enumerate(maps):
            height, width = raw.shape[-2:]
            grid = torch.tensor([width, height], device=device)
            anchors = (head.anchor_wh[level] / head.stride[level]).to(device).float()
            level_boxes = boxes * grid.repeat(2)
            match = match_anchors(image_index, level_boxes, anchors, (height, width))
            corner = torch.stack([match.column, match.row], 1)
            center, size = level_boxes[match.face, :2] - corner, level_boxes[match.face, 2:]
            values.append(raw[match.image, match.anchor, :, match.row, match.column])
            relative_target.append(torch.cat([center - size / 2, center + size / 2], 1))
            relative_points.append(landmarks[match.face, :, :2] * grid - corner[:, None])
            anchor_sizes.append(anchors[match.anchor])
            faces.append(match.face)
            shape = (batch_size, raw.shape[1], height, width)
            cells.append(_flat_index(shape, match.image, match.anchor, match.row, match.column))

        value, anchor, face = torch.cat(values).float(), torch.cat(anchor_sizes), torch.cat(faces)
        num_positives = max(len(face), 1)
        box, obj, cls, points = value.split([4, 1, head.nc, value.shape[1] - 5 - head.nc], dim=1)
        points = points.view(len(face), num_landmarks, -1)

        box_losses, ciou = alpha_ciou_loss(
            head.relative_boxes(box, anchor), torch.cat(relative_target), alpha=self.settings.alpha
        )
        box_loss = box_losses.sum() / num_positives
        pose_loss = landmark_loss(
            head.relative_landmarks(points[..., :2], anchor), torch.cat(relative_points), visible[face], self.settings
        )
        kobj_loss = visibility_loss(points[..., 2], visible[face]) if points.shape[2] == 3 else box.new_zeros(())
        one_hot = torch.zeros_like(cls).scatter_(1, classes[face, None], 1.0)
        cls_loss = binary_cross_entropy_with_logits(cls, one_hot, reduction="sum") / num_positives
        obj_loss = self._objectness(maps, cells, ciou.detach().clamp(min=0).view(-1))

        gains = self.gains
        losses = torch.stack(
            [
                gains.box * box_loss,
                gains.pose * self.settings.landmark_weight * pose_loss,
                gains.kobj * kobj_loss,
                gains.cls * cls_loss,
                gains.cls * obj_loss,
            ]
        )
        names = ("box_loss", "pose_loss", "kobj_loss", "cls_loss", "obj_loss")
        return losses * batch_size, dict(zip(names, losses.detach(), strict=True))

    @staticmethod
    def _objectness(maps: list[Tensor], cells: list[Tensor], quality: Tensor) -> Tensor:
        """Cross-entropy of the objectness against the CIoU of the positives, 0 elsewhere, over their summed quality."""
        total = quality.new_zeros(())
        for raw, cell, level_quality in zip(maps, cells, quality.split([len(c) for c in cells]), strict=True):
            logits = raw[:, :, 4].float()
            target = logits.new_zeros(logits.numel()).scatter_reduce_(0, cell, level_quality, "amax")
            total = total + binary_cross_entropy_with_logits(logits.flatten(), target, reduction="sum")
        return total / quality.sum().clamp(min=1)


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
        ciou_loss, dfl_loss = super().forward(
            pred_dist, pred_bboxes, anchor_points, target_bboxes, target_scores, target_scores_sum, fg_mask, imgsz, stride
        )
        if self.alpha == 1:
            return ciou_loss, dfl_loss
        weight = target_scores[fg_mask].sum(-1, keepdim=True)
        loss, _ = alpha_ciou_loss(pred_bboxes[fg_mask], target_bboxes[fg_mask], alpha=self.alpha)
        return (loss * weight).sum() / target_scores_sum, dfl_loss


class FreeFaceLoss(v8PoseLoss):  # type: ignore[misc]
    """Criterion of FacePose: Ultralytics' assignment and score terms, alpha-CIoU for boxes, wing for landmarks.

    alpha = 1 and landmark_weight = 0 give Ultralytics' own loss with `pose=0`.
    """

    def __init__(self, model: nn.Module, settings: FaceLossSettings) -> None:
        super().__init__(model)
        self.bbox_loss = AlphaBboxLoss(self.reg_max, settings.alpha).to(self.device)
        self.keypoint_loss = WingKeypointLoss(settings)


def _flat_index(shape: tuple[int, int, int, int], *indices: Tensor) -> Tensor:
    """Position of indices (M,) along each axis in the flattened tensor of this shape, (M,)."""
    position = torch.zeros_like(indices[0])
    for size, index in zip(shape, indices, strict=True):
        position = position * size + index
    return position
