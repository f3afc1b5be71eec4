"""AESVC: adaptive fusion explicit spatial visual centre. Source: YOLOv5n-AESVC, section AESVC, figure 3.

Deviation: global and local branch are added before SimAM, since EVC's 1 x 1 fusion convolution would exceed the paper's
parameter count; with it left out the row "+ AESVC" has 2,864,183 parameters against the paper's 2.856 M.
"""

from __future__ import annotations

from torch import Tensor, nn
from ultralytics.nn.modules.conv import Conv

from ultra_face.nn.simam import SimAM
from ultra_face.nn.visual_center import GlobalMLP, LearnableVisualCenter


class AESVC(nn.Module):
    """Stem, then global and local branch fused by SimAM: (B, c1, H, W) -> (B, c2, H, W).

    Args:
        c1: input channels.
        c2: output channels.
        k: kernel size of the stem (7 in the paper; 82 % of the layer's parameters).
    """

    def __init__(self, c1: int, c2: int, k: int = 7) -> None:
        super().__init__()
        self.stem = Conv(c1, c2, k)
        self.global_branch = GlobalMLP(c2)
        self.local_branch = LearnableVisualCenter(c2)
        self.fuse = SimAM()

    def forward(self, x: Tensor) -> Tensor:
        """SimAM(global(stem(x)) + local(stem(x)))."""
        x = self.stem(x)
        y: Tensor = self.fuse(self.global_branch(x) + self.local_branch(x))
        return y
