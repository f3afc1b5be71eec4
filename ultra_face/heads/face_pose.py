"""FacePose: Ultralytics' anchor-free pose head with FaceLoss. Source: the head of YOLOv8, the loss of YOLOv5n-AESVC."""

from __future__ import annotations

from torch import nn
from ultralytics.nn.modules.head import Pose

from ultra_face.losses.face_loss import FreeFaceLoss
from ultra_face.losses.settings import FaceLossSettings


class FacePose(Pose):  # type: ignore[misc]
    """The stock head, layout and decoding, in the plain-convolution style of YOLOv5 and YOLOv8 (`legacy`)."""

    legacy = True
    supports_tta = True

    def criterion(self, model: nn.Module) -> FreeFaceLoss:
        """FaceLoss for this head, with the `face_loss:` block of the model's YAML."""
        return FreeFaceLoss(model, FaceLossSettings.from_yaml(model.yaml.get("face_loss")))  # type: ignore[union-attr,operator]
