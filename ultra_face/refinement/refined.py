"""Refinement of any landmark head: doubtful small faces are cut out, enlarged and detected again by the same trunk.

Source: SR-YOLOv5, section 1.2.3 and figure 3. Deviation: whole windows with several faces are cut and not single grid
cells, so that the second pass sees context; stage one's detections stay, and NMS integrates the two stages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ultra_face.nn.srgan import CubicEnlargement, Generator
from ultra_face.refinement import integration
from ultra_face.refinement.geometry import LEAST_SCORE, best_columns, corners, longest_sides, pairwise_iou
from ultra_face.refinement.settings import RefinementSettings
from ultra_face.refinement.suppression import ROUNDS, suppress_by_ciou, surviving
from ultra_face.refinement.tiles import LARGER, cut_photograph, cut_windows, photographs_shown, pixels_per_input_pixel
from ultra_face.refinement.windows import SAME_FACE, Windows, choose_windows, find_candidates, shows

TILES_AT_ONCE = 64
"""Which bounds the memory of a large batch; an exported graph takes all."""

CANNOT_CHOOSE = frozenset({"ncnn", "paddle", "saved_model", "pb"})
"""Formats without the operators that choose windows and cut them out, or whose converter does not come to an end."""


class Refined(nn.Module):
    """What a head of Ultralytics' pose layout needs to refine; mixed in before that head.

    Attributes:
        sr: settings of the refinement.
        generator: enlarges windows: a `Generator`, or cubic interpolation.
    """

    nc: int
    kpt_shape: tuple[int, ...]
    export: bool
    format: str | None
    xyxy: bool
    sr: RefinementSettings
    generator: Generator | CubicEnlargement

    def add_refinement(self, sr: RefinementSettings | Mapping[str, Any] | bool | None) -> None:
        """Take the settings, or the block that describes them; make their generator, which starts as interpolation."""
        self.sr = RefinementSettings.from_yaml(sr)
        self.generator = Generator(**self.sr.generator) if self.sr.blocks else CubicEnlargement(self.sr.scale)

    @property
    def refines(self) -> bool:
        """Whether the settings change anything about the plain head's predictions."""
        return bool(self.sr.windows or self.sr.ciou_nms)

    def fuse(self) -> None:
        """Fold the norms of the generator too when Ultralytics folds those of the model, for inference only."""
        super().fuse()  # type: ignore[misc]
        if isinstance(self.generator, Generator):
            self.generator.fuse()

    def refine(self, y: Any, *, image: Tensor, detect: Callable[[Tensor], Any]) -> Any:
        """Finish an inference pass.

        Args:
            y: what the plain head gave: predictions (B, 4 + nc + nk, N), alone or before training outputs.
            image: input of the network (B, 3, H, W), 0..1.
            detect: the plain pass of the whole network.

        Returns:
            The same with predictions (B, 4 + nc + nk, N + K x L): stage one, then L of each tile; with `ciou_nms`, the
            best of both. With K = 0 and without `ciou_nms`, `y` itself.

        Raises:
            NotImplementedError: in an export to one of `CANNOT_CHOOSE`.
        """
        if not self.refines:
            return y
        if self.export and self.format in CANNOT_CHOOSE:
            raise NotImplementedError(
                f"{type(self).__name__}: refinement: expected a format that can choose windows in its graph, got "
                f"{self.format}; export onnx, openvino or torchscript, or the model without refinement"
            )
        predictions = self._centered(y)
        if self.sr.windows:
            predictions = self._with_second_stage(predictions, image, detect)
        if self.sr.ciou_nms:
            predictions = suppress_by_ciou(predictions, self.nc, threshold=self.sr.ciou_nms, fixed=self.export)
        if self.xyxy:
            boxes = corners(predictions).transpose(1, 2)
            predictions = torch.cat([boxes, predictions[:, 4:]], dim=1)
        return predictions if isinstance(y, Tensor) else (predictions, *y[1:])

    def find_windows(self, predictions: Tensor, image_hw: tuple[int, int]) -> Windows:
        """Where stage one, predictions (B, 4 + nc + nk, N) with centre and size [input px], deserves a second look."""
        boxes, scores, sr = corners(predictions), self._scores(predictions), self.sr
        candidates = find_candidates(boxes, scores, doubt=sr.doubt, max_face=sr.max_face, fixed=self.export)
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
        shown = None if self.export else windows.used.flatten().nonzero().squeeze(1)
        if shown is not None and not len(shown):
            return predictions
        left_top, used = _chosen(windows.left_top.flatten(0, 1), shown), _chosen(windows.used.flatten(), shown)
        cut = cut_windows(image, windows.left_top, side=self.sr.window)
        tiles = torch.cat([self.enlarge(part) for part in self._parts(_chosen(cut, shown))])
        if shown is not None:
            tiles = self._from_photographs(tiles, left_top, shown // self.sr.windows, image_hw)

        found = torch.cat([self._centered(detect(part)) for part in self._parts(tiles)])
        found = self._in_image(found, left_top)
        boxes = corners(found)
        sure, scores = (
            _chosen(of.repeat_interleave(self.sr.windows, 0), shown) for of in self._sure_faces(predictions)
        )
        near = integration.faces_in_windows(sure, scores, left_top, side=self.sr.window)
        whole = integration.whole(boxes, left_top, side=self.sr.window, image_hw=image_hw) & used.unsqueeze(1)
        found = self._weighed(found, whole & ~integration.already_found(boxes, *near, confident=self.sr.doubt[1]))
        if shown is not None:
            found = found.new_zeros(windows.used.numel(), *found.shape[1:]).index_copy(0, shown, found)
        second = torch.unflatten(found, 0, (-1, self.sr.windows)).transpose(1, 2).flatten(2)
        return torch.cat([self._weighed(predictions, self._trust(predictions, windows, image_hw)), second], dim=2)

    def _parts(self, tiles: Tensor) -> Sequence[Tensor]:
        """Tiles by so many as memory shall hold at once; an exported graph takes all together."""
        return (tiles,) if self.export else torch.split(tiles, TILES_AT_ONCE)

    def _in_image(self, found: Tensor, left_top: Tensor) -> Tensor:
        """The best of the predictions of each tile (T, C, N), in the image (T, C, L), of windows at left_top (T, 2)."""
        least = None if self.export else LEAST_SCORE
        found, _ = best_columns(found, self._scores(found), integration.BEST_OF_TILE, above=least)
        return integration.to_image(found, left_top, scale=self.sr.scale, kpt_shape=self.kpt_shape)

    def _sure_faces(self, predictions: Tensor) -> tuple[Tensor, Tensor]:
        """Boxes (B, M, 4) and scores (B, M) of what stage one is confident of, a face once; 0 for all others."""
        above = None if self.export else self.sr.doubt[1] / 2
        best, scores = best_columns(predictions, self._scores(predictions), integration.CONFIDENT_LIMIT, above=above)
        boxes = corners(best)
        once = surviving(pairwise_iou(boxes, boxes), SAME_FACE, rounds=ROUNDS)
        return boxes, scores * once.to(scores.dtype)

    def _trust(self, predictions: Tensor, windows: Windows, image_hw: tuple[int, int]) -> Tensor:
        """Factor on each score of stage one (B, N): `first_look` for doubtful small faces that a window shows again."""
        boxes, sr = corners(predictions), self.sr
        seen = shows(windows.left_top, boxes, side=sr.window, context=sr.context, image_hw=image_hw)
        seen_again = (seen & windows.used.unsqueeze(2)).any(dim=1)
        small = longest_sides(boxes) <= sr.max_face
        doubtful = self._scores(predictions) < sr.doubt[1]
        return torch.where(seen_again & small & doubtful, sr.first_look, 1.0)

    @torch.compiler.disable  # type: ignore[untyped-decorator]  # NumPy and OpenCV, which `compile=True` cannot trace
    def _from_photographs(self, tiles: Tensor, left_top: Tensor, owner: Tensor, image_hw: tuple[int, int]) -> Tensor:
        """The tiles (T, 3, S, S), those of a larger photograph replaced by what it shows; owner is their image (T,)."""
        for index, photograph in enumerate(photographs_shown()):
            height, width = photograph.shape[:2]
            of_this = (owner == index).nonzero().squeeze(1)
            if len(of_this) and pixels_per_input_pixel((height, width), image_hw) >= LARGER:
                sizes = {"side": self.sr.window, "tile": self.sr.tile}
                shown = cut_photograph(photograph, left_top[of_this], **sizes, image_hw=image_hw)
                tiles = tiles.index_copy(0, of_this, shown.to(tiles))
        return tiles

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


def _chosen(tiles: Tensor, index: Tensor | None) -> Tensor:
    """The rows at these places; all of them with None."""
    return tiles if index is None else tiles[index]
