"""What refinement does to one image, step by step, and as a picture: stage one, windows, tiles, stage two, result."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from ultralytics.data.augment import LetterBox
from ultralytics.utils.nms import non_max_suppression

from ultra_face.faces import Faces
from ultra_face.refinement.refined import Refined
from ultra_face.refinement.settings import RefinementSettings
from ultra_face.refinement.tiles import cut_windows

Pixels = NDArray[np.uint8]

FIRST, DOUBTFUL, SECOND, WINDOW = (90, 220, 90), (40, 190, 255), (255, 140, 60), (235, 235, 235)
"""BGR of confident and doubtful faces of stage one, of faces that stage two adds or improves, and of windows."""
BACKGROUND = 24
GAP = 8
IMAGE_ZOOM, TILE_ZOOM = 2, 3
"""Times that the image, and what a window shows, are larger in the picture than in the input."""
TILES_A_ROW = 8


@dataclass(frozen=True, eq=False)
class SecondLook:
    """The steps of one refinement.

    Attributes:
        image: input of the network (H, W, 3) BGR.
        first: faces of the plain detector [input px].
        final: faces with refinement [input px].
        windows: left top corners (T, 2) [input px] of the windows used.
        cuts: what they show (T, S, S, 3) BGR.
        tiles: enlarged (T, scale x S, scale x S, 3) BGR.
        found: faces of each tile [tile px].
        sr: the settings.
    """

    image: Pixels
    first: Faces
    final: Faces
    windows: NDArray[np.float32]
    cuts: Pixels
    tiles: Pixels
    found: tuple[Faces, ...]
    sr: RefinementSettings


@torch.no_grad()
def look_again(model: Any, image: Pixels, *, imgsz: int, confidence: float, nms_iou: float) -> SecondLook:
    """Run a model with refinement over an image and keep every step.

    Args:
        model: a pose model in evaluation, on the CPU, that ends in SRPose or SRFacePose.
        image: (H, W, 3) BGR of any size.
        imgsz: long side of the input [px].
        confidence: lowest score shown.
        nms_iou: of Ultralytics' NMS.

    Raises:
        ValueError: a model without refinement, or with refinement off.
    """
    head = model.model[-1]
    if not isinstance(head, Refined) or not head.sr.windows:
        state = "with no windows" if isinstance(head, Refined) else f"that ends in {type(head).__name__}"
        raise ValueError(f"expected a model with refinement, got one {state}; make one with `ultra-face refine`")
    sr = head.sr
    boxed: Pixels = LetterBox((imgsz, imgsz), auto=True, stride=int(model.stride.max()))(image=image)
    x = torch.from_numpy(np.ascontiguousarray(boxed[..., ::-1].transpose(2, 0, 1))).float()[None] / 255

    def faces(predictions: Tensor) -> tuple[Faces, ...]:
        kept = non_max_suppression(predictions, confidence, nms_iou, nc=head.nc, max_det=1000)
        return tuple(_faces(rows, head.kpt_shape) for rows in kept)

    plain = _without_refinement(model)
    first = plain(x)[0]
    windows = head.find_windows(first, (x.shape[-2], x.shape[-1]))
    corners = windows.left_top[windows.used]
    cut = cut_windows(x, corners[None], side=sr.window)
    tiles = head.enlarge(cut) if len(corners) else cut
    found = faces(plain(tiles)[0]) if len(corners) else ()
    return SecondLook(
        boxed, faces(first)[0], faces(model(x)[0])[0], corners.numpy(), _pixels(cut), _pixels(tiles), found, sr
    )


def _without_refinement(model: Any) -> Any:
    """The same network, weights shared, with refinement off; the model itself stays as it is, for whoever runs it."""
    plain, head = copy.copy(model), copy.copy(model.model[-1])
    head.sr = replace(head.sr, windows=0, ciou_nms=0.0)
    plain.__dict__["_modules"] = {**model._modules, "model": nn.Sequential(*model.model[:-1], head)}
    return plain


def draw_second_look(look: SecondLook) -> Pixels:
    """One picture: stage one with its windows beside the result; below, each window, enlarged, with its faces."""
    before = cv2.resize(look.image, None, fx=IMAGE_ZOOM, fy=IMAGE_ZOOM, interpolation=cv2.INTER_CUBIC)
    after, confident = before.copy(), look.sr.doubt[1]
    for left_top in look.windows:
        _box(before, np.concatenate([left_top, left_top + look.sr.window]) * IMAGE_ZOOM, WINDOW)
    for box, _, score in look.first:
        _box(before, box * IMAGE_ZOOM, FIRST if score >= confident else DOUBTFUL)
    for box, points, _ in look.final:
        known = (np.abs(look.first.boxes_xyxy - box).max(axis=1, initial=0) < 0.5).any()
        _box(after, box * IMAGE_ZOOM, FIRST if known else SECOND)
        _points(after, points * IMAGE_ZOOM)
    rows = [_side_by_side([_titled(before, "stage one and windows"), _titled(after, "with the second look")])]
    for start in range(0, len(look.tiles), TILES_A_ROW):
        rows += _tile_rows(look, range(start, min(start + TILES_A_ROW, len(look.tiles))))
    width = max(row.shape[1] for row in rows)
    padded = [np.pad(row, ((0, GAP), (0, width - row.shape[1]), (0, 0)), constant_values=BACKGROUND) for row in rows]
    return np.concatenate(padded)


def _tile_rows(look: SecondLook, chosen: range) -> list[Pixels]:
    """Cuts, tiles, and tiles with their faces, one below the other."""
    side = look.sr.window * TILE_ZOOM
    drawn = []
    for index in chosen:
        tile = look.tiles[index].copy()
        for box, points, _ in look.found[index]:
            _box(tile, box, SECOND)
            _points(tile, points)
        drawn.append(tile)
    groups = {
        "cut": [look.cuts[index] for index in chosen],
        "enlarged": [look.tiles[index] for index in chosen],
        "stage two": drawn,
    }
    return [
        _titled(_side_by_side([cv2.resize(tile, (side, side), interpolation=cv2.INTER_AREA) for tile in tiles]), title)
        for title, tiles in groups.items()
    ]


def _faces(rows: Tensor, kpt_shape: tuple[int, ...]) -> Faces:
    """Rows of NMS (N, 6 + K x D) as faces."""
    points = rows[:, 6:].view(len(rows), *kpt_shape)[..., :2]
    return Faces(rows[:, :4].numpy(), points.numpy(), rows[:, 4].numpy())


def _pixels(tiles: Tensor) -> Pixels:
    """RGB (T, 3, S, S), 0..1 -> BGR (T, S, S, 3)."""
    rounded: Pixels = (tiles * 255).round().byte().numpy()[:, ::-1].transpose(0, 2, 3, 1)
    return np.ascontiguousarray(rounded)


def _box(canvas: Pixels, box_xyxy: NDArray[np.float32], colour: tuple[int, int, int]) -> None:
    left, top, right, bottom = (round(float(side)) for side in box_xyxy)
    cv2.rectangle(canvas, (left, top), (right, bottom), colour, 1, cv2.LINE_AA)


def _points(canvas: Pixels, landmarks: NDArray[np.float32]) -> None:
    for x, y in landmarks:
        cv2.circle(canvas, (round(float(x)), round(float(y))), 1, (60, 60, 255), -1, cv2.LINE_AA)


def _titled(picture: Pixels, title: str) -> Pixels:
    strip = np.full((22, picture.shape[1], 3), BACKGROUND, np.uint8)
    cv2.putText(strip, title, (4, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (230, 230, 230), 1, cv2.LINE_AA)
    return np.concatenate([strip, picture])


def _side_by_side(pictures: list[Pixels]) -> Pixels:
    gap = np.full((pictures[0].shape[0], GAP, 3), BACKGROUND, np.uint8)
    return np.concatenate([part for picture in pictures for part in (picture, gap)][:-1], axis=1)
