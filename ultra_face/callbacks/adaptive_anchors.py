"""Adaptive anchors before training. Source: SR-YOLOv5, section 1.1; YOLOv5n-AESVC, Table 1."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from ultralytics.utils import LOGGER, colorstr

from ultra_face.data.anchors import best_possible_recall, kmeans_anchors
from ultra_face.heads.anchor_pose import AnchorPose


def fit_before_training(trainer: Any) -> None:
    """Replace the anchors by clusters of the training faces if that raises the best possible recall.

    The model, its EMA copy and the YAML that the checkpoint carries all get the new anchors. A resumed run keeps those of
    its checkpoint. Other heads, and data with fewer faces than anchors, are left as they are.
    """
    heads = [_anchor_head(model) for model in (trainer.model, trainer.ema and trainer.ema.ema) if model is not None]
    if not heads or None in heads or trainer.args.resume:
        return
    sizes = face_sizes(trainer.train_loader.dataset.labels, image_size=trainer.args.imgsz)
    before = heads[0].anchor_wh.cpu().numpy()  # type: ignore[union-attr]
    prefix = colorstr("adaptive anchors: ")
    if len(sizes) < before[..., 0].size:
        LOGGER.info(f"{prefix}{len(sizes)} faces are fewer than the {before[..., 0].size} anchors, keeping them")
        return
    recall_before = best_possible_recall(sizes, before.reshape(-1, 2))
    anchors = kmeans_anchors(sizes, before[..., 0].size, seed=trainer.args.seed)
    recall = best_possible_recall(sizes, anchors)
    if recall <= recall_before:
        LOGGER.info(f"{prefix}best possible recall {recall_before:.4f}, clusters give {recall:.4f}, keeping the anchors")
        return
    rows = np.round(anchors, 1).reshape(before.shape)
    for model in (trainer.model, trainer.ema and trainer.ema.ema):
        if model is not None:
            set_anchors(model, rows)
    LOGGER.info(f"{prefix}best possible recall {recall_before:.4f} -> {recall:.4f} with {yaml_rows(rows)}")


def set_anchors(model: nn.Module, anchors: NDArray[np.floating[Any]]) -> None:
    """Write anchors (levels, A, 2) [input px] into the head's buffer and the model's YAML."""
    bare = getattr(model, "module", model)
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
        label["bboxes"][:, 2:] * np.array(label["shape"][::-1]) * image_size / max(label["shape"])
        for label in labels
        if len(label["bboxes"])
    ]
    faces = np.concatenate(sizes) if sizes else np.zeros((0, 2))
    return np.asarray(faces[(faces > 0).all(axis=1)], dtype=np.float64)


def _anchor_head(model: nn.Module) -> AnchorPose | None:
    head = getattr(model, "module", model).model[-1]  # type: ignore[union-attr]
    return head if isinstance(head, AnchorPose) else None
