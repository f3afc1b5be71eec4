"""What a prediction with a face model is told: the photographs for a second look, and features for a tracker.

Ultralytics' trackers compare faces by the feature maps that go into the head (`with_reid: true`, `model: auto`), as if
each cell gave one prediction, in the order of the cells. With anchors it gives several; the tiles of a second look and
the further passes of `augment=True` add predictions that no cell of these maps made. A tracker shall know a face by the
features of the cell that predicted it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ultra_face.plugin.face_model import face_model
from ultra_face.refinement.refined import Refined
from ultra_face.refinement.tiles import shown


def prediction_maps(head: Any, predictions: Tensor, maps: list[Tensor]) -> list[Tensor]:
    """Feature maps with one cell a prediction, in the order of the predictions.

    A prediction without a cell of its own gets the cell of the finest level in which its box has its centre. So does
    every prediction where CIoU suppression has sorted them.

    Args:
        head: a head of ours.
        predictions: (B, 4 + nc + nk, N) with centre and size first [input px].
        maps: what went into the head in its first pass over the input, (B, C, H, W) a level.

    Returns:
        (B, C, A x H, W) a level, then (B, C of the finest level, 1, M): N cells in all.
    """
    is_sorted = isinstance(head, Refined) and bool(head.sr.ciou_nms)
    own = [] if is_sorted else [level.repeat(1, 1, getattr(head, "na", 1), 1) for level in maps]
    num_own = sum(level.shape[2] * level.shape[3] for level in own)
    finest = int(head.stride.argmin())
    return [*own, _features_at(predictions[:, :2, num_own:], maps[finest], stride=float(head.stride[finest]))]


def _features_at(centers: Tensor, level: Tensor, *, stride: float) -> Tensor:
    """Features (B, C, 1, M) of the cells of a map (B, C, H, W) in which points (B, 2, M) [input px] lie."""
    height, width = level.shape[2:]
    column, row = (centers.float() / stride).long().unbind(1)
    cell = row.clamp(0, height - 1) * width + column.clamp(0, width - 1)
    return level.flatten(2).gather(2, cell.unsqueeze(1).expand(-1, level.shape[1], -1)).unsqueeze(2)


def hand_over(predictor: Any) -> None:
    """From now on let a refining head see the photographs of each batch; other models are left alone."""
    if _refined_head(predictor) is None or "inference" in vars(predictor):
        return
    stock = predictor.inference

    def inference(image: Tensor, *args: Any, **kwargs: Any) -> Any:
        with shown(photographs_of(predictor)):
            return stock(image, *args, **kwargs)

    predictor.inference = inference


def photographs_of(predictor: Any) -> Sequence[NDArray[np.uint8]]:
    """The batch as it was read, (H, W, 3) BGR each; none where the head has no use for them.

    With `augment=True` the network sees scaled and mirrored images, whose places in the photograph are not known; with
    `embed` there is no second look; tensors and grey images are no photographs.
    """
    head, images, args = _refined_head(predictor), predictor.batch[1], predictor.args
    wanted = head is not None and head.sr.photograph and not (args.augment or args.embed)
    are_photographs = all(isinstance(image, np.ndarray) and image.shape[2:] == (3,) for image in images)
    return list(images) if wanted and are_photographs else ()


def _refined_head(predictor: Any) -> Refined | None:
    model = face_model(getattr(predictor.model, "model", None))
    head = model.model[-1] if model is not None else None
    return head if isinstance(head, Refined) else None


def give_features(predictor: Any) -> None:
    """From now on let a tracker that asks for features get those of the right cells; other models are left alone.

    A tracker hooks itself to the head and leaves on the predictor what went into its last call: with a second look, the
    tiles. The maps of the first pass are in the training outputs of the model.
    """
    model = face_model(getattr(predictor.model, "model", None))
    if model is None or "postprocess" in vars(predictor):
        return
    stock = predictor.postprocess

    def postprocess(predictions: Any, *args: Any, **kwargs: Any) -> Any:
        if getattr(predictor, "_feats", None) is not None:
            decoded, outputs = predictions[:2]
            maps = outputs.get("one2many", outputs)["feats"]
            predictor._feats = prediction_maps(model.model[-1], decoded, maps)
        return stock(predictions, *args, **kwargs)

    predictor.postprocess = postprocess
