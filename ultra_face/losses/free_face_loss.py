"""FaceLoss for heads without anchors: alpha-CIoU and wing in Ultralytics' own criterion. Source: YOLOv5n-AESVC, eq. 5.

`FreeFaceLoss` serves FacePose, `EndToEndFaceLoss` FacePose with `end2end`. Assignment, score terms and the distribution
of box sides stay Ultralytics'; its gains `box`, `pose`, `kobj`, `cls` and `dfl` scale the terms.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from ultralytics.utils.loss import BboxLoss, E2ELoss, v8PoseLoss

from ultra_face.losses.alpha_iou import alpha_ciou_loss
from ultra_face.losses.crowds import image_weights
from ultra_face.losses.landmarks import annotated, landmark_loss
from ultra_face.losses.settings import FaceLossSettings


class WingKeypointLoss(nn.Module):
    """The wing term in the place of Ultralytics' keypoint loss, which is called with landmarks in strides.

    Attributes:
        weight: of each face in the mean (N,), or one for all (1,).
    """

    def __init__(self, settings: FaceLossSettings) -> None:
        super().__init__()
        self.settings, self.weight = settings, torch.ones(1)

    def forward(self, pred_kpts: Tensor, gt_kpts: Tensor, kpt_mask: Tensor, area: Tensor) -> Tensor:
        """Weighted mean wing loss of landmarks (N, K, 2 or 3) [strides] of faces with these areas (N, 1) [strides]."""
        of_faces = {"size": area.sqrt().view(-1), "weight": self.weight.to(area)}
        error = landmark_loss(pred_kpts[..., :2], gt_kpts[..., :2], kpt_mask, self.settings, **of_faces)
        return self.settings.landmark_weight * error


class AlphaBboxLoss(BboxLoss):  # type: ignore[misc]
    """Ultralytics' box loss with alpha-CIoU in the place of CIoU; its distribution focal loss stays.

    Attributes:
        images: weight of each image (B,), or one for all (1,).
    """

    def __init__(self, reg_max: int, alpha: float) -> None:
        super().__init__(reg_max)
        self.alpha, self.images = alpha, torch.ones(1)

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
        """Compute box and distribution loss of boxes xyxy (B, N, 4) [strides], arguments as Ultralytics passes them."""
        weighted = target_scores * self.images.to(target_scores)[:, None, None]  # the scores are weights here
        targets = target_bboxes, weighted, target_scores_sum, fg_mask
        ciou_loss, dfl_loss = super().forward(pred_dist, pred_bboxes, anchor_points, *targets, imgsz, stride)
        if self.alpha == 1:
            return ciou_loss, dfl_loss
        positives = fg_mask.nonzero(as_tuple=True)
        weight = weighted[positives].sum(-1, keepdim=True)
        loss, _ = alpha_ciou_loss(pred_bboxes[positives], target_bboxes[positives], alpha=self.alpha)
        return (loss * weight).sum() / target_scores_sum, dfl_loss


class WeightedScores(nn.BCEWithLogitsLoss):
    """Cross-entropy of scores (B, N, nc), each image with its weight.

    Attributes:
        images: weight of each image (B,), or one for all (1,).
    """

    images = torch.ones(1)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Loss of each score (B, N, nc)."""
        return super().forward(input, target) * self.images.to(input)[:, None, None]


class FreeFaceLoss(v8PoseLoss):  # type: ignore[misc]
    """Criterion of FacePose: Ultralytics' assignment and score terms, alpha-CIoU for boxes, wing for landmarks.

    alpha = 1 and landmark_weight = 0 give Ultralytics' own loss with `pose=0`. Weights of images hold for all terms but
    the visibility of landmarks, and so do those of faces, where a batch has `face_weights` (T,) in 0..1: they scale the
    targets of scores, which are the weights of boxes, and weigh landmarks.
    """

    def __init__(self, model: nn.Module, settings: FaceLossSettings, **assignment: Any) -> None:
        super().__init__(model, **assignment)
        self.settings = settings
        self.bce = WeightedScores(reduction="none")
        self.bbox_loss = AlphaBboxLoss(self.reg_max, settings.alpha).to(self.device)
        self.keypoint_loss = WingKeypointLoss(settings)
        self.faces: Tensor | None = None  # weights by image and place in it, for one batch

    def loss(self, preds: dict[str, Tensor], batch: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """Ultralytics' loss of the head's outputs, where landmarks without a flag can be missing too."""
        image_index, num_images = batch["batch_idx"].long().view(-1), preds["boxes"].shape[0]
        self.images = image_weights(image_index, num_images, exponent=self.settings.crowd_exponent)
        self.bce.images = self.bbox_loss.images = self.images
        keypoints = batch["keypoints"]
        flagged = torch.cat([keypoints[..., :2], annotated(keypoints)[..., None].to(keypoints)], -1)
        with self._weighing(batch.get("face_weights"), image_index, num_images):
            result: tuple[Tensor, dict[str, Tensor]] = super().loss(preds, batch | {"keypoints": flagged})
        return result

    @contextmanager
    def _weighing(self, weights: Tensor | None, image_index: Tensor, num_images: int) -> Iterator[None]:
        """Scale the scores that the assigner gives by the weight of the face, for one batch."""
        if weights is None or not len(weights):  # without faces the assigner gives no indices
            yield
            return
        faces = torch.bincount(image_index, minlength=num_images)
        place = torch.arange(len(image_index), device=image_index.device) - (faces.cumsum(0) - faces)[image_index]
        of_faces = weights.new_ones(num_images, int(faces.max()))
        of_faces[image_index, place] = weights

        def weigh(_: Any, __: Any, assigned: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
            labels, boxes, scores, mask, face = assigned
            return labels, boxes, scores * of_faces.to(scores).gather(1, face)[..., None], mask, face

        hook, self.faces = self.assigner.register_forward_hook(weigh), of_faces
        try:
            yield
        finally:
            hook.remove()
            self.faces = None

    def calculate_keypoints_loss(self, masks: Tensor, target_gt_idx: Tensor, *arguments: Any) -> Any:
        """As Ultralytics', with the weights of the images, and of the faces, that the positives (B, N) are of."""
        image = masks.nonzero(as_tuple=True)[0]
        weight = self.images.to(masks.device)[image]
        if self.faces is not None:
            weight = weight * self.faces.to(weight)[image, target_gt_idx[masks]]
        self.keypoint_loss.weight = weight
        return super().calculate_keypoints_loss(masks, target_gt_idx, *arguments)

    def anneal(self, progress: float) -> None:
        """Set alpha for this share of the training, 0 to 1."""
        self.bbox_loss.alpha = self.settings.alpha_at(progress)


class EndToEndFaceLoss(E2ELoss):  # type: ignore[misc]
    """Criterion of FacePose with `end2end`: FreeFaceLoss of both of its branches, weighed as in Ultralytics."""

    def __init__(self, model: nn.Module, settings: FaceLossSettings) -> None:
        super().__init__(model, partial(FreeFaceLoss, settings=settings))

    def anneal(self, progress: float) -> None:
        """Set alpha for this share of the training, 0 to 1."""
        for branch in (self.one2many, self.one2one):
            branch.anneal(progress)
