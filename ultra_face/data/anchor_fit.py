"""Anchors for a YOLO data set, start to end: read the boxes, cluster, compare, write the YAML block."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ultra_face.data.anchor_plot import save_anchor_plot
from ultra_face.data.anchor_report import anchors_block, describe_coverage, describe_left_out, read_model_anchors
from ultra_face.data.anchors import WIDER_FACE_ANCHORS, kmeans_anchors, learnable
from ultra_face.data.training_boxes import Progress, list_images, read_box_sizes


def fit_anchors(
    locations: Iterable[str | Path],
    *,
    training_size: int,
    num_levels: int,
    anchors_per_level: int,
    model_yaml: Path | None = None,
    seed: int = 0,
    plot: Path | None = None,
    progress: Progress = iter,
) -> str:
    """Fit anchors to the labelled boxes of the images at `locations` that training can learn, and report.

    Args:
        locations: Folders or lists of images, see `list_images`.
        training_size: Long side of the images in training [px].
        num_levels: Levels of the anchor head.
        anchors_per_level: Anchors of each level.
        model_yaml: Model whose anchors the report compares with; by default those of the paper.
        seed: Seed of the refinement.
        plot: Where to save a picture of the clusters.
        progress: Wraps the list of images, to show how far the work is.

    Returns:
        Text: recall and IoU of both sets of anchors, then the `anchors:` block.

    Raises:
        FileNotFoundError: There are no images.
        ValueError: A label file or the model YAML is broken, or there are fewer boxes than anchors.
    """
    boxes = read_box_sizes(list_images(locations), training_size=training_size, progress=progress)
    wh = learnable(boxes)
    anchors = kmeans_anchors(wh, num_levels * anchors_per_level, seed=seed)
    if model_yaml is None:
        name, before = (
            "YOLOv5n-AESVC, Table 1",
            np.reshape(np.asarray(WIDER_FACE_ANCHORS, np.float64), (-1, 2)),
        )
    else:
        name, before = model_yaml.name, read_model_anchors(model_yaml)
    if plot is not None:
        save_anchor_plot(wh, anchors, plot)
    heading = f"{len(wh):,} boxes at {training_size} px"
    if len(wh) < len(boxes):
        heading += f"; {describe_left_out(len(boxes) - len(wh), training_size)}"
    coverage = describe_coverage(wh, {name: before, "clusters": anchors})
    return "\n".join([heading, coverage, anchors_block(anchors, num_levels)])
