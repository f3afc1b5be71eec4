"""FacePose: Ultralytics' anchor-free pose head with FaceLoss. Source: the head of YOLOv8, the loss of YOLOv5n-AESVC."""

from __future__ import annotations

from torch import Tensor, nn
from ultralytics.nn.modules.head import Pose

from ultra_face.heads.transfer import Transferable
from ultra_face.losses.face_loss import FreeFaceLoss
from ultra_face.losses.settings import FaceLossSettings


class FacePose(Transferable, Pose):  # type: ignore[misc]
    """The stock head, layout and decoding, in the plain-convolution style of YOLOv5 and YOLOv8 (`legacy`)."""

    legacy = True
    supports_tta = True

    def criterion(self, model: nn.Module) -> FreeFaceLoss:
        """FaceLoss for this head, with the `face_loss:` block of the model's YAML."""
        return FreeFaceLoss(model, FaceLossSettings.from_yaml(model.yaml.get("face_loss")))  # type: ignore[union-attr,operator]

    def mixtures(self, classes: Tensor, landmarks: Tensor) -> dict[str, Tensor]:
        """See Transferable; boxes have a branch of their own, which passes on as it is."""
        rows = {"cv3": classes, "cv4": landmarks, "one2one_cv3": classes, "one2one_cv4": landmarks}
        return {
            f"{branch}.{level}.{len(layers) - 1}": mixture
            for branch, mixture in rows.items()
            for level, layers in enumerate(getattr(self, branch, None) or ())
        }
