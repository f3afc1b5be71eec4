"""Fit anchors to the training boxes of a data set; print them as the block of a model YAML."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path

import numpy as np
from ultralytics.data.utils import check_det_dataset
from ultralytics.utils import TQDM

from ultra_face.data.anchor_plot import save_anchor_plot
from ultra_face.data.anchor_report import anchors_block, describe_coverage, read_model_anchors
from ultra_face.data.anchors import WIDER_FACE_ANCHORS, kmeans_anchors
from ultra_face.data.training_boxes import list_images, read_box_sizes


def main() -> None:
    """Read the command line, fit, report."""
    add = (parser := argparse.ArgumentParser(description=__doc__)).add_argument
    add("--data", required=True, help="data YAML, as for yolo train")
    add("--imgsz", type=int, default=640, help="training image size [px]")
    add("--levels", type=int, default=3, help="levels of the anchor head")
    add("--anchors-per-level", type=int, default=3)
    add(
        "--model",
        type=Path,
        help="model YAML to compare with (default: the anchors of YOLOv5n-AESVC, Table 1)",
    )
    add("--seed", type=int, default=0)
    add("--plot", type=Path, metavar="PNG", help="write a picture of the clusters")
    args = parser.parse_args()
    try:
        train = check_det_dataset(args.data)["train"]
        images = list_images(train if isinstance(train, list) else [train])
        wh = read_box_sizes(images, training_size=args.imgsz, progress=partial(TQDM, desc="labels"))
        anchors = kmeans_anchors(wh, args.levels * args.anchors_per_level, seed=args.seed)
        before = read_model_anchors(args.model) if args.model else np.reshape(WIDER_FACE_ANCHORS, (-1, 2))
        print(describe_coverage(wh, {str(args.model or "YOLOv5n-AESVC"): before, "clusters": anchors}))
        print(anchors_block(anchors, args.levels))
        if args.plot:
            save_anchor_plot(wh, anchors, args.plot)
    except (OSError, ValueError) as error:
        sys.exit(f"kmeans_anchors: {error}")


if __name__ == "__main__":
    main()
