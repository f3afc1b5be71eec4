"""The table of layers that a model YAML may name, beside every layer of Ultralytics.

A row says how the host's parser builds the layer:

- `SCALED`: takes (c1, c2, ...); c2 is the first YAML argument, scaled by the model's width.
- `REPEATED`: like `SCALED` with the number of repeats (scaled by depth) as third argument.
- `SAME`: keeps the channels and takes the YAML arguments as they are.
"""

from __future__ import annotations

from enum import Enum

from torch import nn

from ultra_face.nn.aesvc import AESVC, SimAM
from ultra_face.nn.cbam import CBAM
from ultra_face.nn.mc4f import CGS, MC4f
from ultra_face.nn.mspam import MSPAM
from ultra_face.nn.trunk import CBL, SPP357, ShuffleStage, StemBlock


class Build(Enum):
    """How the host's parser turns a YAML row into constructor arguments."""

    SCALED = "scaled"
    REPEATED = "repeated"
    SAME = "same"


LAYERS: dict[type[nn.Module], Build] = {
    AESVC: Build.SCALED,
    CBAM: Build.SCALED,
    CBL: Build.SCALED,
    CGS: Build.SCALED,
    MC4f: Build.REPEATED,
    MSPAM: Build.SCALED,
    ShuffleStage: Build.REPEATED,
    SimAM: Build.SAME,
    SPP357: Build.SCALED,
    StemBlock: Build.SCALED,
}
