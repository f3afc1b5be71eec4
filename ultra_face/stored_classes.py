"""The table of our classes that a checkpoint may name, by their module.

With `weights_only`, torch builds only classes that it was told of: layers, heads, and what is inside them.
"""

from __future__ import annotations

from collections.abc import Mapping

STORED_CLASSES: Mapping[str, tuple[str, ...]] = {
    "ultra_face.heads.anchor_pose": ("AnchorPose",),
    "ultra_face.heads.face_pose": ("FacePose",),
    "ultra_face.heads.sr_pose": ("SRPose", "SRFacePose"),
    "ultra_face.nn.aesvc": ("AESVC",),
    "ultra_face.nn.attention": ("ChannelAttention",),
    "ultra_face.nn.cbam": ("CBAM",),
    "ultra_face.nn.cbl": ("CBL",),
    "ultra_face.nn.cgs": ("CGS", "CGSBottleneck"),
    "ultra_face.nn.cubic": ("CubicEnlargement",),
    "ultra_face.nn.mc4f": ("MC4f",),
    "ultra_face.nn.mspam": ("MSPAM", "MultiScaleSpatialAttention"),
    "ultra_face.nn.shuffle": ("ShuffleStage", "ShuffleUnit", "ShuffleDown"),
    "ultra_face.nn.simam": ("SimAM",),
    "ultra_face.nn.spp": ("SPP357",),
    "ultra_face.nn.srgan": ("Generator", "Norm", "ResidualBlock"),
    "ultra_face.nn.stem": ("StemBlock",),
    "ultra_face.nn.visual_center": ("GlobalMLP", "LayerScale", "LearnableVisualCenter"),
    "ultra_face.refinement.settings": ("RefinementSettings",),
}
