"""What a checkpoint may name: our classes, and the paths of modules that have moved since it was written.

A pickled model names the module of each of its classes. With `weights_only`, torch builds only classes that it was told
of: layers, heads, and what is inside them. A path that has moved leads to where its contents are now.
"""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

STORED_CLASSES: Mapping[str, tuple[str, ...]] = {
    "ultra_face.heads.anchor_pose": ("AnchorPose",),
    "ultra_face.heads.face_pose": ("FacePose",),
    "ultra_face.heads.sr_pose": ("SRPose", "SRFacePose"),
    "ultra_face.losses.settings": ("FaceLossSettings",),
    "ultra_face.nn.aesvc": ("AESVC", "GlobalMLP", "LayerScale", "LearnableVisualCenter", "SimAM"),
    "ultra_face.nn.cbam": ("CBAM", "ChannelAttention"),
    "ultra_face.nn.mc4f": ("MC4f", "CGS", "CGSBottleneck"),
    "ultra_face.nn.mspam": ("MSPAM", "MultiScaleSpatialAttention"),
    "ultra_face.nn.srgan": ("Generator", "Norm", "ResidualBlock", "CubicEnlargement"),
    "ultra_face.nn.trunk": ("CBL", "ShuffleDown", "ShuffleStage", "ShuffleUnit", "SPP357", "StemBlock"),
    "ultra_face.refinement.settings": ("RefinementSettings",),
}

FORMER_PATHS: Mapping[str, str] = {
    # Of classes in checkpoints, until 0.1.0.
    "ultra_face.nn.attention": "ultra_face.nn.cbam",
    "ultra_face.nn.cbl": "ultra_face.nn.trunk",
    "ultra_face.nn.cgs": "ultra_face.nn.mc4f",
    "ultra_face.nn.cubic": "ultra_face.nn.srgan",
    "ultra_face.nn.shuffle": "ultra_face.nn.trunk",
    "ultra_face.nn.simam": "ultra_face.nn.aesvc",
    "ultra_face.nn.spp": "ultra_face.nn.trunk",
    "ultra_face.nn.stem": "ultra_face.nn.trunk",
    "ultra_face.nn.visual_center": "ultra_face.nn.aesvc",
    # Of what `download:` calls in copies of `faces-demo.yaml`.
    "ultra_face.data.demo": "ultra_face.demo.dataset",
}


class FormerPaths:
    """A finder on `sys.meta_path` and its loader: a path of the table gives the module that it has moved to."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return a spec for the paths of the table, None for all others."""
        return ModuleSpec(name, self) if name in FORMER_PATHS else None  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """The former module: the names of the present one, under which pickle looks for classes."""
        present = importlib.import_module(FORMER_PATHS[spec.name])
        former = ModuleType(spec.name, f"Moved to `{present.__name__}`.")
        vars(former).update({name: value for name, value in vars(present).items() if not name.startswith("__")})
        return former

    def exec_module(self, module: ModuleType) -> None:
        """Nothing is left to run."""


def open_former_paths() -> None:
    """Put the finder behind all others, once."""
    if not any(isinstance(finder, FormerPaths) for finder in sys.meta_path):
        sys.meta_path.append(FormerPaths())


@functools.cache
def stored_classes() -> list[Callable[..., Any] | tuple[Callable[..., Any], str]]:
    """What `torch.serialization.add_safe_globals` takes: every class of the table, under its former paths too."""
    found: list[Callable[..., Any] | tuple[Callable[..., Any], str]] = []
    for module, names in STORED_CLASSES.items():
        former = [path for path, present in FORMER_PATHS.items() if present == module]
        for name in names:
            stored = getattr(importlib.import_module(module), name)
            found += [stored, *((stored, f"{path}.{name}") for path in former)]
    return found
