"""FacePose: Ultralytics' anchor-free pose head with FaceLoss. Source: the head of YOLOv8, the loss of YOLOv5n-AESVC."""

from __future__ import annotations

from torch import nn
from ultralytics.nn.modules.head import Pose

from ultra_face.losses.face_loss import EndToEndFaceLoss, FreeFaceLoss
from ultra_face.losses.settings import FaceLossSettings


class FacePose(Pose):  # type: ignore[misc]
    """The stock head, layout and decoding, in the plain-convolution style of YOLOv5 and YOLOv8 (`legacy`).

    `end2end: true` in the model YAML adds Ultralytics' second branch, which needs no NMS.
    """

    legacy = True

    @property
    def supports_tta(self) -> bool:
        """Whether predictions come before NMS, which merges those of several passes."""
        return not self.end2end

    def criterion(self, model: nn.Module) -> FreeFaceLoss | EndToEndFaceLoss:
        """FaceLoss for this head, with the `face_loss:` block of the model's YAML."""
        settings = FaceLossSettings.from_yaml(model.yaml.get("face_loss"))  # type: ignore[union-attr,operator]
        two_branches = getattr(self, "one2one_cv2", None) is not None
        return EndToEndFaceLoss(model, settings) if two_branches else FreeFaceLoss(model, settings)
