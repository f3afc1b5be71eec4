"""Anchors as a user reads and writes them: the block of a model YAML, and a table of their coverage."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import yaml

from ultra_face.data.anchors import best_possible_recall, mean_best_iou
from ultra_face.data.annotation import TOO_SMALL
from ultra_face.formats.annotation import FloatArray
from ultra_face.text_files import read_text


def read_model_anchors(model_yaml: Path) -> FloatArray:
    """The anchors (A, 2) [px] of all levels of a model YAML.

    Raises:
        ValueError: The file is no YAML, or has no `anchors:` with rows of widths and heights in turn.
    """
    try:
        content = yaml.safe_load(read_text(model_yaml))
    except yaml.YAMLError as error:
        problem = " ".join(str(error).split())
        raise ValueError(f"{model_yaml}: expected a model YAML, got broken YAML ({problem}); correct it") from error
    rows = content.get("anchors", ()) if isinstance(content, dict) else ()
    try:
        return np.concatenate([np.asarray(row, dtype=np.float64).reshape(-1, 2) for row in rows])
    except (TypeError, ValueError) as error:
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
