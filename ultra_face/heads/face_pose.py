"""FacePose: Ultralytics' anchor-free pose head with FaceLoss. Source: the head of YOLOv8, the loss of YOLOv5n-AESVC."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from ultralytics.nn.modules.head import Pose

from ultra_face.heads.face_head import FaceHead, refuse_stock_decoding
from ultra_face.heads.split_convolution import SplitConvolution
from ultra_face.losses.free_face_loss import EndToEndFaceLoss, FreeFaceLoss


class FacePose(FaceHead, Pose):  # type: ignore[misc]
    """The stock head, layout and decoding, in the plain-convolution style of YOLOv5 and YOLOv8 (`legacy`).

    `end2end: true` in the model YAML adds Ultralytics' second branch, which needs no NMS.

    Raises:
        NotImplementedError: export to IMX, for which Ultralytics leaves out the landmarks of any class but its own.
    """

    legacy = True

    @property
    def supports_tta(self) -> bool:
        """Whether predictions come before NMS, which merges those of several passes."""
        return not self.end2end

    def forward(self, x: list[Tensor]) -> Any:
        """Predict as the stock head does."""
        refuse_stock_decoding(self, instead="train yolov8n-pose.yaml", formats={"imx"})
        return super().forward(x)

    def criterion(self, model: nn.Module) -> FreeFaceLoss | EndToEndFaceLoss:
        """FaceLoss for this head, with the `face_loss:` block of the model's YAML."""
        settings = self.loss_settings(model)
        two_branches = getattr(self, "one2one_cv2", None) is not None
        return EndToEndFaceLoss(model, settings) if two_branches else FreeFaceLoss(model, settings)

    def mixtures(self, classes: Tensor, landmarks: Tensor) -> dict[str, Tensor]:
        """See FaceHead; boxes have a branch of their own, which passes on as it is."""
        rows = {"cv3": classes, "cv4": landmarks, "one2one_cv3": classes, "one2one_cv4": landmarks}
        return {
            f"{branch}.{level}.{len(layers) - 1}": mixture
            for branch, mixture in rows.items()
            for level, layers in enumerate(getattr(self, branch, None) or ())
        }

    def split_by_kind(self) -> None:
        """See FaceHead; boxes and classes have branches of their own, but visibility stands among the landmarks."""
        num_values = self.kpt_shape[1]
        if num_values == 3:
            for branch in (self.cv4, getattr(self, "one2one_cv4", None)):
                for layers in branch or ():
                    layers[-1] = SplitConvolution(layers[-1], {"landmarks": 2, "visibility": 1})
