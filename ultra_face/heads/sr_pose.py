"""SRPose and SRFacePose: the heads with anchors and without, with refinement. Source: SR-YOLOv5, figure 3."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from ultra_face.heads.anchor_pose import AnchorPose
from ultra_face.heads.face_head import refuse_stock_decoding
from ultra_face.heads.face_pose import FacePose
from ultra_face.refinement.refined import Refined
from ultra_face.refinement.settings import RefinementSettings


class SRPose(Refined, AnchorPose):
    """AnchorPose with refinement; trains as AnchorPose, and gives its predictions where `sr` is off.

    Args:
        nc: number of classes.
        kpt_shape: landmarks and values of each, (5, 3) or (5, 2).
        anchors: see AnchorPose.
        sr: settings of the refinement, or the `sr:` block that describes them; false for none.
        reg_max: passed by Ultralytics' parser; there is no distribution here.
        end2end: passed by Ultralytics' parser; must be off.
        ch: channels of each level.

    Raises:
        ValueError: as AnchorPose and RefinementSettings say.
    """

    def __init__(
        self,
        nc: int,
        kpt_shape: Sequence[int],
        anchors: Sequence[Sequence[float]],
        sr: RefinementSettings | Mapping[str, Any] | bool | None,
        reg_max: int = 16,
        end2end: bool | None = False,
        ch: Sequence[int] = (),
    ) -> None:
        AnchorPose.__init__(self, nc, kpt_shape, anchors, reg_max, end2end, ch)
        self.add_refinement(sr)


class SRFacePose(Refined, FacePose):
    """FacePose, without anchors, with refinement.

    Args:
        nc: number of classes.
        kpt_shape: landmarks and values of each, (5, 3) or (5, 2).
        sr: settings of the refinement, or the `sr:` block that describes them; false for none.
        reg_max: bins of the distribution of a box side.
        end2end: passed by Ultralytics' parser; must be off, since NMS integrates the two stages.
        ch: channels of each level.

    Raises:
        ValueError: as RefinementSettings says; `end2end` on.
        NotImplementedError: with refinement on, export to a format for which Ultralytics replaces the decoding.
    """

    def __init__(
        self,
        nc: int,
        kpt_shape: Sequence[int],
        sr: RefinementSettings | Mapping[str, Any] | bool | None,
        reg_max: int = 16,
        end2end: bool | None = False,
        ch: Sequence[int] = (),
    ) -> None:
        if end2end:
            raise ValueError(
                "SRFacePose: end2end: expected false, got true; refinement needs NMS, use FacePose instead"
            )
        FacePose.__init__(self, nc, tuple(kpt_shape), reg_max, bool(end2end), ch)  # type: ignore[call-arg]
        self.add_refinement(sr)

    def forward(self, x: list[Tensor]) -> Any:
        """Predict as the plain head does; `refine` follows."""
        if self.refines:
            refuse_stock_decoding(self, instead="export the model without refinement")
        return super().forward(x)
