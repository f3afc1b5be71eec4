"""Adaptive anchors before training. Source: SR-YOLOv5, section 1.1; YOLOv5n-AESVC, Table 1."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from ultralytics.utils import LOGGER, colorstr

from ultra_face.callbacks.face_model import face_model
from ultra_face.data.anchors import best_possible_recall, kmeans_anchors, mean_best_iou
from ultra_face.data.training_boxes import scale_to_training
from ultra_face.heads.anchor_pose import AnchorPose

RECALL_OF_LEARNED_ANCHORS = 0.98
"""Below this best possible recall, anchors that come with weights are replaced; the limit of YOLOv5's autoanchor."""


def fit_before_training(trainer: Any) -> None:
    """Replace the anchors by clusters of the training faces where these fit the faces better.

    They do if no face is lost to the best possible recall and the mean IoU of a face with its best anchor rises: recall
    alone decides too little, since anchors that suit no face well meet its ratio of 4. Pretrained weights have learned
    their anchors, which go only if they miss many faces.

    The model, its EMA copy and the YAML that the checkpoint carries all get the new anchors. A resumed run keeps those
    of its checkpoint. Other heads, and data with fewer faces than anchors, are left as they are.
    """
    faces = [face_model(model) for model in (trainer.model, trainer.ema and trainer.ema.ema)]
    models = [model for model in faces if model is not None and isinstance(model.model[-1], AnchorPose)]
    if trainer.args.resume or not models:
        return
    sizes = face_sizes(trainer.train_loader.dataset.labels, image_size=trainer.args.imgsz)
    before = models[0].model[-1].anchor_wh.cpu().numpy()
    num_anchors = before[..., 0].size
    prefix = colorstr("adaptive anchors: ")
    if len(sizes) < num_anchors:
        LOGGER.info(f"{prefix}{len(sizes)} faces are fewer than the {num_anchors} anchors, keeping them")
        return
    covered_before = _coverage(sizes, before.reshape(-1, 2))
    learned = _starts_from_weights(trainer.args)
    if learned and covered_before[0] >= RECALL_OF_LEARNED_ANCHORS:
        LOGGER.info(f"{prefix}best possible recall {covered_before[0]:.4f}, keeping the anchors of the weights")
        return
    anchors = np.round(kmeans_anchors(sizes, num_anchors, seed=trainer.args.seed), 1)
    covered = _coverage(sizes, anchors)
    change = "best possible recall {:.4f} -> {:.4f}, mean best IoU {:.4f} -> {:.4f}".format(
        *(figure for pair in zip(covered_before, covered, strict=True) for figure in pair)
    )
    if learned:
        better = covered[0] > covered_before[0]
    else:
        better = covered[0] >= covered_before[0] and covered[1] > covered_before[1]
    if not better:
        LOGGER.info(f"{prefix}clusters give {change}, keeping the anchors")
        return
    for model in models:
        set_anchors(model, anchors.reshape(before.shape))
    LOGGER.info(f"{prefix}{change} with {anchors.tolist()}")


def set_anchors(model: Any, anchors: NDArray[np.floating[Any]]) -> None:
    """Write anchors (levels, A, 2) [input px] into the head's buffer and the model's YAML."""
    buffer = model.model[-1].anchor_wh
    buffer.copy_(torch.from_numpy(np.asarray(anchors, dtype=np.float32)).to(buffer))
    model.yaml["anchors"] = yaml_rows(anchors)


def yaml_rows(anchors: NDArray[np.floating[Any]]) -> list[list[float]]:
    """Anchors (levels, A, 2) as the rows of a model YAML: widths and heights in turn."""
    return [[round(float(value), 1) for value in level.reshape(-1)] for level in anchors]


def face_sizes(labels: list[dict[str, Any]], *, image_size: int) -> NDArray[np.float64]:
    """Widths and heights of all faces (N, 2) [input px], images scaled to a long side of `image_size`.

    Args:
        labels: Ultralytics' label dictionaries: `bboxes` (n, 4) normalised, `shape` (height, width) of the image [px].
        image_size: long side of the network's input [px].
    """
    sizes = [
        scale_to_training(
            label["bboxes"][:, 2:], width=label["shape"][1], height=label["shape"][0], training_size=image_size
        )
        for label in labels
        if len(label["bboxes"])
    ]
    faces = np.concatenate(sizes) if sizes else np.zeros((0, 2))
    return np.asarray(faces[(faces > 0).all(axis=1)], dtype=np.float64)


def _coverage(sizes: NDArray[np.float64], anchors: NDArray[np.float64]) -> tuple[float, float]:
    """Best possible recall, and mean IoU of each face (N, 2) with its best anchor (A, 2) [input px]."""
    return best_possible_recall(sizes, anchors), mean_best_iou(sizes, anchors)


def _starts_from_weights(args: Any) -> bool:
    """Whether a run begins with a checkpoint, as its model or as `pretrained=`."""
    return str(args.model).endswith(".pt") or isinstance(args.pretrained, (str, Path))
