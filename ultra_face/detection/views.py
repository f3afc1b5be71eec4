"""Views of a photograph that a network looks at: the whole at several sizes, tiles, turned and mirrored; and back."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product
from typing import Literal, NamedTuple, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from ultra_face.detection.letterbox import Letterbox, Pixels
from ultra_face.detection.predictions import moved
from ultra_face.faces import Faces

AUTO_FROM = 2.0
"""Sides of the input beyond which `auto` cuts a photograph into tiles."""

OVERLAP = 0.25
"""Share of a tile that the next one shows again; a face up to this size is whole in one of them."""

CUT_MARGIN = 0.1
"""Share of a box's longer side; a box that comes closer than this to an inner edge of a tile may be cut by it."""

Tile: TypeAlias = "int | Literal['auto'] | None"


class Window(NamedTuple):
    """A rectangle of whole pixels of the photograph."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True)
class View:
    """A window of a photograph, turned, then mirrored, then letterboxed.

    Attributes:
        photograph_hw: height and width of the photograph [px].
        window: what it shows of it.
        turns: quarter turns, counter-clockwise.
        mirrored: left and right exchanged after turning.
        letterbox: where the turned window lies in the input.
    """

    photograph_hw: tuple[int, int]
    window: Window
    turns: int
    mirrored: bool
    letterbox: Letterbox

    def fill(self, planes: NDArray[np.float32], photograph: Pixels) -> None:
        """Write the input (3, height, width) of this view of a photograph (H, W, 3) BGR."""
        shown = self._window_of(photograph)
        height, width = self.letterbox.inner_hw if self.turns % 2 == 0 else self.letterbox.inner_hw[::-1]
        if shown.shape[:2] != (height, width):
            # Resized before it is turned, since that is less to turn.
            shown = np.asarray(cv2.resize(shown, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
        self.letterbox.fill(planes, self._turned(shown))

    def pixels(self, photograph: Pixels) -> Pixels:
        """What this view shows of a photograph, in its own pixels, turned and mirrored."""
        return np.ascontiguousarray(self._turned(self._window_of(photograph)))

    def to_photograph(self, found: Faces) -> Faces:
        """Faces in the input's pixels -> in the photograph's."""
        return moved(found, (self._turned_to_photograph @ self.letterbox.to_image)[:2], mirrored=self.mirrored)

    def pixels_to_photograph(self, found: Faces) -> Faces:
        """Faces in the pixels of this view -> in the photograph's, for what takes `pixels` and has its own input."""
        return moved(found, self._turned_to_photograph[:2], mirrored=self.mirrored)

    def is_cut(self, found: Faces) -> NDArray[np.bool_]:
        """Which detections [px of the photograph] an inner edge of the window may cut (N,)."""
        left, top, width, height = self.window
        photograph_h, photograph_w = self.photograph_hw
        inner = np.array([left > 0, top > 0, left + width < photograph_w, top + height < photograph_h])
        boxes = found.boxes_xyxy
        margin = CUT_MARGIN * (boxes[:, 2:] - boxes[:, :2]).max(axis=1, keepdims=True)
        near_start = boxes[:, :2] - margin < (left, top)
        near_stop = boxes[:, 2:] + margin > (left + width, top + height)
        return np.asarray((np.concatenate([near_start, near_stop], axis=1) & inner).any(axis=1))

    def _window_of(self, photograph: Pixels) -> Pixels:
        left, top, width, height = self.window
        return photograph[top : top + height, left : left + width]

    def _turned(self, shown: Pixels) -> Pixels:
        turned = np.rot90(shown, self.turns)
        return turned[:, ::-1] if self.mirrored else turned

    @property
    def _turned_to_photograph(self) -> NDArray[np.float64]:
        """Matrix (3, 3) from the turned and mirrored window to the photograph."""
        left, top, width, height = self.window
        turn_back = (
            [[1, 0, 0], [0, 1, 0]],
            [[0, -1, width], [1, 0, 0]],
            [[-1, 0, width], [0, -1, height]],
            [[0, 1, 0], [-1, 0, height]],
        )[self.turns]
        matrix = np.array([*turn_back, [0, 0, 1]], np.float64)
        matrix[:2, 2] += (left, top)
        if self.mirrored:
            matrix = matrix @ np.array([[-1, 0, self.letterbox.image_hw[1]], [0, 1, 0], [0, 0, 1]], np.float64)
        return matrix


@dataclass(frozen=True)
class Plan:
    """Which views are made of a photograph.

    Attributes:
        sizes_hw: heights and widths of the inputs that show all of it [px]; tiles are shown at the first.
        tile: side of the tiles [px of the photograph]; `auto` for the first input's longer side where the photograph
            is larger than twice that; None for none.
        turns: quarter turns, counter-clockwise, that all of this is repeated with.
        flip: repeat it all mirrored.
        stride: see `Letterbox.fit`.
    """

    sizes_hw: tuple[tuple[int, int], ...]
    tile: Tile = None
    turns: tuple[int, ...] = (0,)
    flip: bool = False
    stride: int | None = 32

    def views(self, photograph_hw: tuple[int, int]) -> list[View]:
        """The views of a photograph of this height and width [px]."""
        height, width = photograph_hw
        whole = Window(0, 0, width, height)
        shown = [(whole, size_hw) for size_hw in self.sizes_hw]
        shown += [(window, self.sizes_hw[0]) for window in self._tiles(height, width)]
        views = []
        for turns, mirrored, (window, size_hw) in product(self.turns, (False, True)[: 1 + self.flip], shown):
            window_hw = (window.height, window.width)
            turned_hw = window_hw if turns % 2 == 0 else window_hw[::-1]
            letterbox = Letterbox.fit(turned_hw, size_hw, stride=self.stride)
            views.append(View(photograph_hw, window, turns, mirrored, letterbox))
        return views

    def _tiles(self, height: int, width: int) -> list[Window]:
        longest = max(height, width)
        side = self.tile
        if side == "auto":
            input_side = max(self.sizes_hw[0])
            side = input_side if longest > AUTO_FROM * input_side else None
        if side is None or longest <= side:
            return []
        return [
            Window(left, top, min(side, width), min(side, height))
            for top in tile_starts(height, side)
            for left in tile_starts(width, side)
        ]


def tile_starts(length: int, side: int) -> list[int]:
    """Where tiles start that cover a length, evenly spread, each next one showing `OVERLAP` of the last or more."""
    if length <= side:
        return [0]
    count = 1 + math.ceil((length - side) / (side - math.ceil(OVERLAP * side)))
    return [round(index * (length - side) / (count - 1)) for index in range(count)]
