"""Adaptive anchors before training. Source: SR-YOLOv5, section 1.1; YOLOv5n-AESVC, Table 1."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from ultralytics.utils import LOGGER, colorstr
from ultralytics.utils.torch_utils import unwrap_model

from ultra_face.data.anchors import best_possible_recall, kmeans_anchors
from ultra_face.data.training_boxes import scale_to_training
from ultra_face.heads.anchor_pose import AnchorPose


def fit_before_training(trainer: Any) -> None:
    """Replace the anchors by clusters of the training faces if that raises the best possible recall.

    The model, its EMA copy and the YAML that the checkpoint carries all get the new anchors. A resumed run keeps
    those of its checkpoint. Other heads, and data with fewer faces than anchors, are left as they are.
    """
    models = [model for model in (trainer.model, trainer.ema and trainer.ema.ema) if model is not None]
    if trainer.args.resume or not all(_has_anchors(model) for model in models):
        return
    sizes = face_sizes(trainer.train_loader.dataset.labels, image_size=trainer.args.imgsz)
    before = unwrap_model(trainer.model).model[-1].anchor_wh.cpu().numpy()
    num_anchors = before[..., 0].size
    prefix = colorstr("adaptive anchors: ")
    if len(sizes) < num_anchors:
        LOGGER.info(f"{prefix}{len(sizes)} faces are fewer than the {num_anchors} anchors, keeping them")
        return
    anchors = np.round(kmeans_anchors(sizes, num_anchors, seed=trainer.args.seed), 1)
    recall_before = best_possible_recall(sizes, before.reshape(-1, 2))
    recall = best_possible_recall(sizes, anchors)
    if recall <= recall_before:
        LOGGER.info(f"{prefix}best possible recall {recall_before:.4f}, clusters {recall:.4f}, keeping the anchors")
        return
    for model in models:
        set_anchors(model, anchors.reshape(before.shape))
    LOGGER.info(f"{prefix}best possible recall {recall_before:.4f} -> {recall:.4f} with {anchors.tolist()}")


def set_anchors(model: nn.Module, anchors: NDArray[np.floating[Any]]) -> None:
    """Write anchors (levels, A, 2) [input px] into the head's buffer and the model's YAML."""
    bare = unwrap_model(model)
    buffer = bare.model[-1].anchor_wh
    buffer.copy_(torch.from_numpy(np.asarray(anchors, dtype=np.float32)).to(buffer))
    bare.yaml["anchors"] = yaml_rows(anchors)


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


def _has_anchors(model: nn.Module) -> bool:
    return isinstance(unwrap_model(model).model[-1], AnchorPose)
