"""Fit anchors to the training boxes of a data set; print them as the block of a model YAML."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

from ultralytics.data.utils import check_det_dataset
from ultralytics.utils import TQDM

from ultra_face.command import command, named, positive
from ultra_face.data.anchor_fit import fit_anchors


@command("kmeans_anchors")
def main() -> None:
    """Read the command line, fit, report."""
    add = (parser := argparse.ArgumentParser(description=__doc__)).add_argument
    add("--data", required=True, help="data YAML, as for yolo train")
    add("--imgsz", dest="training_size", type=positive, default=640, help="training image size [px]")
    add("--levels", dest="num_levels", type=positive, default=3, help="levels of the anchor head")
    add("--anchors-per-level", type=positive, default=3, help="anchors of each level")
    add("--model", dest="model_yaml", type=Path, help="model YAML to compare with (default: the paper's)")
    add("--seed", type=int, default=0, help="seed of the refinement")
    add("--plot", type=Path, metavar="PNG", help="write a picture of the clusters")
    choices = vars(parser.parse_args())
    with named(data := choices.pop("data"), "a data YAML as for yolo train", "cfg/datasets/faces-demo.yaml shows one"):
        train = check_det_dataset(data)["train"]
    locations = train if isinstance(train, list) else [train]
    print(fit_anchors(locations, **choices, progress=partial(TQDM, desc="labels")))


if __name__ == "__main__":
    main()
