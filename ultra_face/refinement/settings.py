"""The `sr:` block of a model YAML, checked once. Source: SR-YOLOv5, section 1.2.3, which names none of the values.

Deviations: the paper's suppression by CIoU is off unless `ciou_nms` switches it on, and a window is enlarged 2 times,
where SRGAN has 4. The generator of yolov5-sr.yaml is a light one, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

LARGEST_STRIDE = 32
"""Every tile must be a multiple of this, so that the trunk's maps fit each other."""


@dataclass(frozen=True)
class RefinementSettings:
    """How doubtful small faces are found, cut out, enlarged and detected again.

    Attributes:
        windows: K, the largest number of windows an image; 0 switches refinement off.
        window: side of a window [input px].
        scale: factor of the enlargement, 2 or 4; `window` times `scale` is the tile that is detected again.
        blocks: residual blocks of the generator; 0 enlarges by cubic interpolation, without a network.
        width: channels of the generator.
        light: whether the generator is of the light form, see `Generator`.
        doubt: lowest and highest score of a doubtful face; a face above the highest is confident.
        max_face: longest side of a doubtful face [input px].
        context: free border that a window must show around a face, in longest sides of it.
        first_look: factor on the score of a doubtful face that a window shows again, since the second look decides; 1
            keeps it. Confident faces, larger ones and all others keep theirs.
        photograph: cut tiles from the photograph instead where `predict` has a larger one than the input; not exported.
        ciou_nms: CIoU above which the better of two boxes, and not both, stays; 0 leaves it to Ultralytics' NMS.
    """

    windows: int = 16
    window: int = 128
    scale: int = 2
    blocks: int = 16
    width: int = 64
    light: bool = False
    doubt: tuple[float, float] = (0.01, 0.6)
    max_face: float = 32.0
    context: float = 0.25
    first_look: float = 0.25
    photograph: bool = False
    ciou_nms: float = 0.0

    def __post_init__(self) -> None:
        """Reject values that make no window.

        Raises:
            ValueError: a value of the wrong kind or out of its range.
        """
        _check("windows", self.windows, _is_count(self.windows, 0), "a count of at least 0")
        _check("scale", self.scale, _is_count(self.scale, 2) and self.scale in (2, 4), "2 or 4")
        fits = _is_count(self.window, 1) and self.window * self.scale % LARGEST_STRIDE == 0
        multiple = f"a side whose {self.scale}-fold is a multiple of the stride {LARGEST_STRIDE}"
        _check("window", self.window, fits, multiple)
        _check("blocks", self.blocks, _is_count(self.blocks, 0), "a count of at least 0")
        _check("width", self.width, _is_count(self.width, 1), "a count of at least 1")
        _check("light", self.light, isinstance(self.light, bool), "true or false")
        low, high = self.doubt if _is_pair(self.doubt) else (1, 0)
        _check("doubt", self.doubt, 0 < low < high <= 1, "two scores, low and high, above 0 and at most 1")
        is_side = _is_number(self.max_face) and 0 < self.max_face <= self.window
        _check("max_face", self.max_face, is_side, "a length above 0 px that a window shows whole")
        _check("context", self.context, _is_number(self.context) and self.context >= 0, "a share of at least 0")
        _check(
            "first_look", self.first_look, _is_number(self.first_look) and 0 < self.first_look <= 1, "above 0, up to 1"
        )
        _check("photograph", self.photograph, isinstance(self.photograph, bool), "true or false")
        in_range = _is_number(self.ciou_nms) and 0 <= self.ciou_nms < 1
        _check("ciou_nms", self.ciou_nms, in_range, "a CIoU from 0, off, to below 1")

    @property
    def generator(self) -> dict[str, Any]:
        """Arguments of `Generator`."""
        return {name: getattr(self, name) for name in ("scale", "blocks", "width", "light")}

    @property
    def tile(self) -> int:
        """Side of what is detected again [px]."""
        return self.window * self.scale

    def changed(self, **values: Any) -> RefinementSettings:
        """These settings with other values; see `from_yaml` for errors."""
        return self.from_yaml(self.as_yaml() | values)

    def as_yaml(self) -> dict[str, Any]:
        """The `sr:` block that stands for these settings."""
        return {field.name: getattr(self, field.name) for field in fields(self)} | {"doubt": list(self.doubt)}

    @classmethod
    def from_yaml(cls, block: RefinementSettings | Mapping[str, Any] | bool | None) -> RefinementSettings:
        """Read the `sr:` block; None, true or empty gives the defaults, false (`sr: off`) no windows.

        Settings that were read already stay what they are.

        Raises:
            ValueError: a block that is neither mapping nor switch, an unknown key, or a value out of its range.
        """
        if isinstance(block, RefinementSettings):
            return block
        if block is None or block is True:
            return cls()
        if block is False:
            return replace(cls(), windows=0, blocks=0)
        known = ", ".join(field.name for field in fields(cls))
        if not isinstance(block, Mapping):
            raise ValueError(f"sr: expected a mapping of settings, or off, got {block!r}; known are {known}")
        unknown = set(block) - {field.name for field in fields(cls)}
        if unknown:
            names = ", ".join(sorted(map(repr, unknown)))
            raise ValueError(f"sr: unknown key {names}; known are {known}; correct the model YAML")
        doubt = block.get("doubt", cls.doubt)
        return cls(**{**block, "doubt": tuple(doubt) if isinstance(doubt, (list, tuple)) else doubt})


def _check(name: str, value: Any, valid: bool, expected: str) -> None:
    if not valid:
        raise ValueError(f"sr: {name}: expected {expected}, got {value!r}; correct the model YAML")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_count(value: Any, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _is_pair(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) == 2 and all(map(_is_number, value))
