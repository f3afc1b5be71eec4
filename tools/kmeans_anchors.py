"""Fit anchors to the training boxes of a data set; print them as the block of a model YAML."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path

import yaml
from ultralytics.data.utils import check_det_dataset
from ultralytics.utils import TQDM

from ultra_face.data.anchor_fit import fit_anchors


def training_locations(data: str) -> list[str]:
    """Folders and lists of the training images of a data YAML.

    Raises:
        FileNotFoundError: There is no such file, or its validation images do not exist.
        ValueError: The YAML is broken, or lacks what training needs.
    """
    try:
        train = check_det_dataset(data)["train"]
    except (SyntaxError, TypeError, ValueError, yaml.YAMLError) as error:
        raise ValueError(f"{data}: {' '.join(str(error).split())}; correct the data YAML") from error
    return train if isinstance(train, list) else [train]


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
        locations = training_locations(choices.pop("data"))
        print(fit_anchors(locations, **choices, progress=partial(TQDM, desc="labels")))
    except (OSError, ValueError) as error:
        sys.exit(f"kmeans_anchors: {error}")


if __name__ == "__main__":
    main()
