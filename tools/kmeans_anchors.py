"""Fit anchors to the training boxes of a data set; print them as the block of a model YAML."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path

from ultralytics.data.utils import check_det_dataset
from ultralytics.utils import TQDM

from ultra_face.data.anchor_fit import fit_anchors


def main() -> None:
    """Read the command line, fit, report."""
    add = (parser := argparse.ArgumentParser(description=__doc__)).add_argument
    add("--data", required=True, help="data YAML, as for yolo train")
    add("--imgsz", dest="training_size", type=int, default=640, help="training image size [px]")
    add("--levels", dest="num_levels", type=int, default=3, help="levels of the anchor head")
    add("--anchors-per-level", type=int, default=3, help="anchors of each level")
    add("--model", dest="model_yaml", type=Path, help="model YAML to compare with (default: the paper's)")
    add("--seed", type=int, default=0, help="seed of the refinement")
    add("--plot", type=Path, metavar="PNG", help="write a picture of the clusters")
    choices = vars(parser.parse_args())
    try:
        train = check_det_dataset(choices.pop("data"))["train"]
        locations = train if isinstance(train, list) else [train]
        print(fit_anchors(locations, **choices, progress=partial(TQDM, desc="labels")))
    except (OSError, ValueError) as error:
        sys.exit(f"kmeans_anchors: {error}")


if __name__ == "__main__":
    main()
