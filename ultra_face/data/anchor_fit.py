"""Anchors for a YOLO data set, start to end: read the boxes, cluster, compare, write the YAML block, draw."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from ultra_face.data.anchors import (
    WIDER_FACE_ANCHORS,
    best_possible_recall,
    corner_iou,
    kmeans_anchors,
    learnable,
    mean_best_iou,
    scale_to_training,
)
from ultra_face.data.cleaning import TOO_SMALL
from ultra_face.files.whole import replacing
from ultra_face.formats.annotation import FloatArray
from ultra_face.formats.image_files import list_images, read_image
from ultra_face.formats.yaml_files import read_yaml
from ultra_face.formats.yolo_pose import label_file, read_boxes

Progress = Callable[[Sequence[Path]], Iterable[Path]]


def read_box_sizes(images: Sequence[Path], *, training_size: int, progress: Progress = iter) -> FloatArray:
    """Widths and heights (N, 2) [px at `training_size`] of all boxes labelled in `images`.

    Images without a label file, or that are missing or do not decode, count as images without boxes, as they do in
    training.

    Raises:
        ValueError: A label file is broken.
    """
    sizes = [np.zeros((0, 2))]
    for image in progress(images):
        boxes_cxcywh = read_boxes(label_file(image))
        pixels = read_image(image) if len(boxes_cxcywh) else None
        if pixels is not None:
            height, width = pixels.shape[:2]
            sizes.append(
                scale_to_training(boxes_cxcywh[:, 2:], width=width, height=height, training_size=training_size)
            )
    return np.concatenate(sizes)


def read_model_anchors(model_yaml: Path) -> FloatArray:
    """The anchors (A, 2) [px] of all levels of a model YAML.

    Raises:
        ValueError: The file is no YAML, or has no `anchors:` with rows of widths and heights in turn.
    """
    content = read_yaml(model_yaml, "a model YAML")
    rows = content.get("anchors", ()) if isinstance(content, dict) else ()
    try:
        return np.concatenate([np.asarray(row, dtype=np.float64).reshape(-1, 2) for row in rows])
    except (OverflowError, TypeError, ValueError) as error:
        raise ValueError(
            f"{model_yaml}: expected `anchors:` with a row of widths and heights for each level, "
            f"got {rows!r}; name a model with an anchor head"
        ) from error


def describe_coverage(wh: FloatArray, candidates: Mapping[str, FloatArray]) -> str:
    """Table of how well each named set of anchors (A, 2) covers boxes (N, 2) [px]."""
    width = max(map(len, candidates))
    lines = [f"{'anchors':{width}}  best possible recall  mean best IoU"]
    lines += [
        f"{name:{width}}  {best_possible_recall(wh, anchors):20.4f}  {mean_best_iou(wh, anchors):13.4f}"
        for name, anchors in candidates.items()
    ]
    return "\n".join(lines)


def describe_left_out(count: int, training_size: int) -> str:
    """Say how many boxes no anchor was fitted to."""
    return f"left out {count:,} {'box' if count == 1 else 'boxes'} with a side {TOO_SMALL} at {training_size} px"


def anchors_block(anchors: FloatArray, num_levels: int) -> str:
    """Write the `anchors:` block of a model YAML: anchors (A, 2) [px] by area, as many for each level."""
    rows = np.round(anchors, 1).reshape(num_levels, -1)
    return "\n".join(["anchors:", *(f"  - [{', '.join(f'{value:g}' for value in row)}]" for row in rows)])


def save_anchor_plot(wh: FloatArray, anchors: FloatArray, path: Path) -> None:
    """Plot boxes (N, 2) and anchors (A, 2) [px] over logarithmic axes of width and height.

    Raises:
        OSError: The picture cannot be written.
        ValueError: The suffix of `path` is not an image format.
    """
    from matplotlib.figure import Figure  # here: every `import ultralytics` would pay for it
    from matplotlib.ticker import ScalarFormatter

    figure = Figure(figsize=(7, 6), layout="constrained")
    axes = figure.add_subplot(xscale="log", yscale="log", xlabel="width [px]", ylabel="height [px]")
    cluster = corner_iou(wh, anchors).argmax(axis=1)
    axes.scatter(wh[:, 0], wh[:, 1], c=cluster, s=3, alpha=0.4, linewidths=0, cmap="turbo", rasterized=True)
    axes.scatter(anchors[:, 0], anchors[:, 1], marker="x", s=60, color="black", label="anchors")
    for width, height in anchors:
        axes.annotate(
            f"{width:.0f} x {height:.0f}",
            (width, height),
            xytext=(6, -10),
            textcoords="offset points",
            fontsize=8,
        )
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(ScalarFormatter())
    axes.set_title(f"{len(wh):,} boxes, {len(anchors)} anchors")
    axes.legend(loc="upper left")
    with replacing(path) as partial:
        figure.savefig(partial, dpi=150, format=path.suffix[1:].lower())


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
    locations, num_anchors = list(locations), num_levels * anchors_per_level
    boxes = read_box_sizes(list_images(locations), training_size=training_size, progress=progress)
    wh = learnable(boxes)
    if len(wh) < num_anchors:
        raise ValueError(
            f"{', '.join(map(str, locations))}: expected at least as many boxes as anchors, got {num_anchors} anchors "
            f"and {len(wh)} boxes that can be learned; ask for fewer anchors or give more labels"
        )
    anchors = kmeans_anchors(wh, num_anchors, seed=seed)
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
