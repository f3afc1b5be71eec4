"""MC4f: multi-scale cross-stage fusion with four convolutions. Source: YOLOv5n-AESVC, section MC4f, figure 2.

Deviation: the figure leaves the widths open; these give 2,371,447 parameters against the paper's 2.351 M.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ultra_face.nn.cgs import CGS, CGSBottleneck


class MC4f(nn.Module):
    """Split, n bottlenecks in sequence, all outputs fused, convolved residual: (B, c1, H, W) -> (B, c2, H, W).

    Args:
        c1: input channels.
        c2: output channels, even.
        n: number of bottlenecks.
        norm: `"group"` as in the paper, or `"batch"`, which an ONNX export folds into the convolutions.

    Raises:
        ValueError: odd `c2`, or an unknown norm.
    """

    def __init__(self, c1: int, c2: int, n: int = 1, norm: str = "group") -> None:
        super().__init__()
        if c2 % 2:
            raise ValueError(f"MC4f: c2 must be even, got {c2}; choose a width whose half is a whole number")
        build_norm = _norm_builder(norm)
        c = c2 // 2
        self.cv1 = CGS(c1, 2 * c, norm=build_norm)
        self.bottlenecks = nn.ModuleList(CGSBottleneck(c, norm=build_norm) for _ in range(n))
        self.cv2 = CGS((2 + n) * c, c2, norm=build_norm)
        self.cv3 = CGS(c1, c2, norm=build_norm)
        self.cv4 = CGS(c2, c2, norm=build_norm)

    def forward(self, x: Tensor) -> Tensor:
        """cv4(cv2(all branches) + cv3(x))."""
        branches = list(self.cv1(x).chunk(2, dim=1))
        for bottleneck in self.bottlenecks:
            branches.append(bottleneck(branches[-1]))
        y: Tensor = self.cv4(self.cv2(torch.cat(branches, dim=1)) + self.cv3(x))
        return y


NORMS: dict[str, type[nn.Module] | None] = {"group": None, "batch": nn.BatchNorm2d}


def _norm_builder(name: str) -> type[nn.Module] | None:
    if name not in NORMS:
        raise ValueError(f"MC4f: unknown norm {name!r}; known are {', '.join(NORMS)}")
    return NORMS[name]
