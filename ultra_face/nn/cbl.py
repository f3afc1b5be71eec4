"""CBL: Conv - BatchNorm - LeakyReLU, the convolution of YOLOv7-tiny. Source: Wang et al. 2022, YOLOv7, appendix."""

from __future__ import annotations

from torch import nn
from ultralytics.nn.modules.conv import Conv


class CBL(Conv):  # type: ignore[misc]
    """Ultralytics' Conv with LeakyReLU, slope 0.1, in place of SiLU: (B, c1, H, W) -> (B, c2, H / s, W / s), ceil.

    A layer of its own, since `activation:` in a YAML changes every model that older Ultralytics builds afterwards.
    """

    default_act = nn.LeakyReLU(0.1)
