"""Fit anchors to the training boxes of a data set; print them as the block of a model YAML."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from ultra_face.cli.command import add_trust, logging_on_standard_error, new_parser, positive, progress
from ultra_face.cli.data_yaml import data_folders
from ultra_face.data.anchor_fit import fit_anchors


def parser() -> ArgumentParser:
    """What the command asks for."""
    add = (new := new_parser("anchors", __doc__, "--data faces.yaml --imgsz 640 --plot anchors.png")).add_argument
    add("--data", required=True, help="data YAML, as for yolo train")
    add("--imgsz", dest="training_size", type=positive, default=640, help="training image size [px] (default: 640)")
    add("--levels", dest="num_levels", type=positive, default=3, help="levels of the anchor head (default: 3)")
    add("--anchors-per-level", type=positive, default=3, help="anchors of each level (default: 3)")
    add("--model", dest="model_yaml", type=Path, help="model YAML to compare with (default: the paper's)")
    add("--seed", type=int, default=0, help="seed of the refinement (default: 0)")
    add("--plot", type=Path, metavar="PNG", help="write a picture of the clusters")
    return add_trust(new)


def run(options: Namespace) -> None:
    """Fit and report."""
    choices = vars(options)
    with logging_on_standard_error():
        (train,) = data_folders(choices.pop("data"), "train")
    print(fit_anchors(train, **choices, progress=progress("labels")))
