"""The table of heads that a model YAML may name; each name holds `Pose`, by which Ultralytics knows the task."""

from __future__ import annotations

from torch import nn

from ultra_face.heads.anchor_pose import AnchorPose
from ultra_face.heads.face_pose import FacePose
from ultra_face.heads.sr_pose import SRFacePose, SRPose

HEADS: tuple[type[nn.Module], ...] = (AnchorPose, FacePose, SRPose, SRFacePose)
