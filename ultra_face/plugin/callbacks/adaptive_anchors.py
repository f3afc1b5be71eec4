"""Adaptive anchors before training. Source: SR-YOLOv5, section 1.1; YOLOv5n-AESVC, Table 1."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from ultralytics.data.utils import exif_size
from ultralytics.utils import LOGGER, colorstr

from ultra_face.data.anchor_fit import describe_left_out
from ultra_face.data.anchors import best_possible_recall, kmeans_anchors, learnable, mean_best_iou, scale_to_training
from ultra_face.heads.anchor_pose import AnchorPose
from ultra_face.plugin.face_model import face_model

RECALL_OF_LEARNED_ANCHORS = 0.98
"""Below this best possible recall, anchors that come with weights are replaced; the limit of YOLOv5's autoanchor."""


def fit_before_training(trainer: Any) -> None:
    """Replace the anchors by clusters of the training faces where these fit the faces better.

    They do if no face is lost to the best possible recall and the mean IoU of a face with its best anchor rises: recall
    alone decides too little, since anchors that suit no face well meet its limit. A head that came trained has
    learned its anchors, which go only if they miss many faces.

    The model, its EMA copy and the YAML that the checkpoint carries all get the new anchors, and know from here on that
    they are learned. A resumed run keeps those of its checkpoint. Other heads, and data with fewer faces than anchors,
    are left as they are.
    """
    faces = [face_model(model) for model in (trainer.model, trainer.ema and trainer.ema.ema)]
    models = [model for model in faces if model is not None and isinstance(model.model[-1], AnchorPose)]
    if not models:
        return
    anchors = None if trainer.args.resume else _better_anchors(models[0], trainer)
    for model in models:
        if anchors is not None:
            set_anchors(model, anchors)
        model.model[-1].trained = True


def _better_anchors(model: Any, trainer: Any) -> NDArray[np.floating[Any]] | None:
    """Anchors (levels, A, 2) [px] that suit the training faces better than those of the model, if there are any."""
    prefix = colorstr("adaptive anchors: ")
    head: AnchorPose = model.model[-1]
    limit = head.loss_settings(model).ratio_limit
    before: NDArray[np.float64] = head.anchor_wh.cpu().double().numpy()
    num_anchors = before[..., 0].size
    boxes = face_sizes(trainer.train_loader.dataset.labels, image_size=trainer.args.imgsz)
    sizes = learnable(boxes)
    if len(sizes) < len(boxes):
        LOGGER.info(f"{prefix}{describe_left_out(len(boxes) - len(sizes), trainer.args.imgsz)}")
    if len(sizes) < num_anchors:
        LOGGER.info(f"{prefix}{len(sizes)} faces are fewer than the {num_anchors} anchors, keeping them")
        return None
    covered_before = _coverage(sizes, before.reshape(-1, 2), ratio_limit=limit)
    if head.trained and covered_before[0] >= RECALL_OF_LEARNED_ANCHORS:
        LOGGER.info(f"{prefix}best possible recall {covered_before[0]:.4f}, keeping the anchors of the weights")
        return None
    anchors = np.round(kmeans_anchors(sizes, num_anchors, seed=trainer.args.seed, ratio_limit=limit), 1)
    covered = _coverage(sizes, anchors, ratio_limit=limit)
    change = "best possible recall {:.4f} -> {:.4f}, mean best IoU {:.4f} -> {:.4f}".format(
        *(figure for pair in zip(covered_before, covered, strict=True) for figure in pair)
    )
    if head.trained:
        better = covered[0] > covered_before[0]
    else:
        better = covered[0] >= covered_before[0] and covered[1] > covered_before[1]
    if not better:
        LOGGER.info(f"{prefix}clusters give {change}, keeping the anchors")
        return None
    LOGGER.info(f"{prefix}{change} with {anchors.tolist()}")
    return anchors.reshape(before.shape)


def set_anchors(model: Any, anchors: NDArray[np.floating[Any]]) -> None:
    """Write anchors (levels, A, 2) [input px] into the head's buffer and the model's YAML."""
    head = model.model[-1]
    head.anchor_wh.copy_(torch.from_numpy(np.asarray(anchors, dtype=np.float32)).to(head.anchor_wh))
    head.describe_anchors(model.yaml)


def face_sizes(labels: list[dict[str, Any]], *, image_size: int) -> NDArray[np.float64]:
    """Widths and heights of all boxes (N, 2) [input px], images scaled to a long side of `image_size`.

    Args:
        labels: Ultralytics' label dictionaries: `bboxes` (n, 4) normalised, `shape` (height, width) of the image [px],
            which rectangular training takes out, and `im_file`, which says it then.
        image_size: long side of the network's input [px].
    """
    sizes = [np.zeros((0, 2))]
    for label in labels:
        if len(label["bboxes"]):
            height, width = label.get("shape") or _image_shape(label["im_file"])
            sizes.append(
                scale_to_training(label["bboxes"][:, 2:], width=width, height=height, training_size=image_size)
            )
    return np.concatenate(sizes)


def _image_shape(file: str) -> tuple[int, int]:
    """Height and width of an image [px] by its header, as Ultralytics' labels state them."""
    with Image.open(file) as image:
        width, height = exif_size(image)
    return height, width


def _coverage(sizes: NDArray[np.float64], anchors: NDArray[np.float64], *, ratio_limit: float) -> tuple[float, float]:
    """Best possible recall, and mean IoU of each face (N, 2) with its best anchor (A, 2) [input px]."""
    return best_possible_recall(sizes, anchors, ratio_limit=ratio_limit), mean_best_iou(sizes, anchors)
