"""Refinement of any landmark head: doubtful small faces are cut out, enlarged and detected again by the same trunk.

Source: SR-YOLOv5, section 1.2.3 and figure 3. Deviation: whole windows with several faces are cut and not single grid
cells, so that the second pass sees context; stage one's detections stay, and NMS integrates the two stages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ultra_face.nn.cubic import CubicEnlargement
from ultra_face.nn.srgan import Generator
from ultra_face.refinement import integration
from ultra_face.refinement.candidates import find_candidates
from ultra_face.refinement.ciou_nms import suppress_by_ciou
from ultra_face.refinement.photographs import LARGER, cut_photograph, pixels_per_input_pixel
from ultra_face.refinement.settings import RefinementSettings
from ultra_face.refinement.suppression import ROUNDS
from ultra_face.refinement.tiles import cut_windows
from ultra_face.refinement.windows import Windows, choose_windows, shows


class Refined(nn.Module):
    """What a head of Ultralytics' pose layout needs to refine; mixed in before that head.

    Attributes:
        sr: settings of the refinement.
        generator: enlarges windows: a `Generator`, or cubic interpolation.
        photographs: what the images of the next pass were made from, (H, W, 3) BGR each; None where nobody knows.
    """

    nc: int
    kpt_shape: tuple[int, ...]
    export: bool
    xyxy: bool
    sr: RefinementSettings
    generator: Generator | CubicEnlargement
    photographs: Sequence[NDArray[np.uint8]] | None = None

    def add_refinement(self, sr: Mapping[str, Any] | bool | None) -> None:
        """Read the `sr:` block and make the generator that it describes, which starts as cubic interpolation."""
        self.sr = RefinementSettings.from_yaml(sr)
        self.generator = Generator(**self.sr.generator) if self.sr.blocks else CubicEnlargement(self.sr.scale)

    def refine(self, y: Any, *, image: Tensor, detect: Callable[[Tensor], Any]) -> Any:
        """Finish an inference pass.

        Args:
            y: what the plain head gave: predictions (B, 4 + nc + nk, N), alone or before training outputs.
            image: input of the network (B, 3, H, W), 0..1.
            detect: the plain pass of the whole network.

        Returns:
            The same with predictions (B, 4 + nc + nk, N + K x L): stage one, then L of each tile; with `ciou_nms`, the
            best of both. With K = 0 and without `ciou_nms`, `y` itself.
        """
        if not (self.sr.windows or self.sr.ciou_nms):
            return y
        predictions = self._centered(y)
        if self.sr.windows:
            predictions = self._with_second_stage(predictions, image, detect)
        if self.sr.ciou_nms:
            rounds = ROUNDS if self.export else None
            predictions = suppress_by_ciou(predictions, self.nc, threshold=self.sr.ciou_nms, rounds=rounds)
        if self.xyxy:
            boxes = integration.corners(predictions).transpose(1, 2)
            predictions = torch.cat([boxes, predictions[:, 4:]], dim=1)
        return predictions if isinstance(y, Tensor) else (predictions, *y[1:])

    def find_windows(self, predictions: Tensor, image_hw: tuple[int, int]) -> Windows:
        """Where stage one, predictions (B, 4 + nc + nk, N) with centre and size [input px], deserves a second look."""
        boxes, scores, sr = integration.corners(predictions), self._scores(predictions), self.sr
        candidates = find_candidates(boxes, scores, doubt=sr.doubt, max_face=sr.max_face)
        return choose_windows(candidates, sr.windows, side=sr.window, context=sr.context, image_hw=image_hw)

    def enlarge(self, windows: Tensor) -> Tensor:
        """Windows (T, 3, S, S) -> tiles (T, 3, scale x S, scale x S), 0..1."""
        tiles: Tensor = self.generator(windows)
        return tiles.clamp(0, 1)

    def _with_second_stage(self, predictions: Tensor, image: Tensor, detect: Callable[[Tensor], Any]) -> Tensor:
        """Stage one (B, C, N) and the predictions of K tiles, all in the image (B, C, N + K x L).

        An exported graph detects in all K tiles; else those without a doubtful face are left out.
        """
        image_hw = (image.shape[-2], image.shape[-1])
        windows = self.find_windows(predictions, image_hw)
        used, left_top = windows.used.flatten(), windows.left_top.flatten(0, 1)
        cut = cut_windows(image, windows.left_top, side=self.sr.window)
        shown = None if self.export else used.nonzero().squeeze(1)
        if shown is None:
            tiles = self.enlarge(cut)
        elif len(shown):
            cut, left_top, used = cut[shown], left_top[shown], used[shown]
            tiles = self._looked_up(self.enlarge(cut), left_top, shown // self.sr.windows, image_hw)
        else:
            return predictions

        found = self._centered(detect(tiles))
        found, _ = integration.best_columns(found, self._scores(found), integration.BEST_OF_TILE)
        found = integration.to_image(found, left_top, scale=self.sr.scale, kpt_shape=self.kpt_shape)
        boxes = integration.corners(found)
        whole = integration.whole(boxes, left_top, side=self.sr.window, image_hw=image_hw) & used.unsqueeze(1)
        found = self._weighed(found, whole)
        if shown is not None:
            found = found.new_zeros(windows.used.numel(), *found.shape[1:]).index_copy(0, shown, found)
        found = torch.unflatten(found, 0, (-1, self.sr.windows)).transpose(1, 2).flatten(2)
        return self._integrated(predictions, found, windows, image_hw)

    def _looked_up(self, tiles: Tensor, left_top: Tensor, owner: Tensor, image_hw: tuple[int, int]) -> Tensor:
        """The tiles (T, 3, S, S), those of a larger photograph replaced by what it shows; owner is their image (T,)."""
        for index, photograph in enumerate(self.photographs or ()):
            height, width = photograph.shape[:2]
            of_this = (owner == index).nonzero().squeeze(1)
            if len(of_this) and pixels_per_input_pixel((height, width), image_hw) >= LARGER:
                sizes = {"side": self.sr.window, "tile": self.sr.tile}
                shown = cut_photograph(photograph, left_top[of_this], **sizes, image_hw=image_hw)
                tiles = tiles.index_copy(0, of_this, shown.to(tiles))
        return tiles

    def _integrated(self, first: Tensor, second: Tensor, windows: Windows, image_hw: tuple[int, int]) -> Tensor:
        """Stage one (B, C, N) and stage two (B, C, K x L) side by side, each weighed by what the other knows."""
        confident = self.sr.doubt[1]
        best, scores = integration.best_columns(first, self._scores(first), integration.CONFIDENT_LIMIT)
        sure = integration.already_found(
            integration.corners(second), integration.corners(best), scores, confident=confident
        )
        boxes = integration.corners(first)
        seen_again = shows(
            windows.left_top, boxes, side=self.sr.window, context=self.sr.context, image_hw=image_hw
        ) & windows.used.unsqueeze(2)
        small = (boxes[..., 2:] - boxes[..., :2]).amax(-1) <= self.sr.max_face
        judged = seen_again.any(dim=1) & small & (self._scores(first) < confident)
        trust = torch.where(judged, self.sr.first_look, 1.0)
        return torch.cat([self._weighed(first, trust), self._weighed(second, ~sure)], dim=2)

    def _centered(self, y: Any) -> Tensor:
        """Predictions of a pass of the network with centre and size first."""
        predictions: Tensor = y if isinstance(y, Tensor) else y[0]
        if not self.xyxy:
            return predictions
        start, stop = predictions[:, :2], predictions[:, 2:4]
        return torch.cat([(start + stop) / 2, stop - start, predictions[:, 4:]], dim=1)

    def _scores(self, predictions: Tensor) -> Tensor:
        """Score of the best class (B, N)."""
        return predictions[:, 4 : 4 + self.nc].amax(1)

    def _weighed(self, predictions: Tensor, weights: Tensor) -> Tensor:
        """Predictions (B, C, N) with their scores multiplied by weights (B, N)."""
        first = 4 + self.nc
        scores = predictions[:, 4:first] * weights.unsqueeze(1).to(predictions.dtype)
        return torch.cat([predictions[:, :4], scores, predictions[:, first:]], dim=1)
