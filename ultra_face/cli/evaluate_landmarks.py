"""Landmark accuracy of any detector: normalised mean error, failure rate, cumulative errors.

Predictions and annotations are in the layout of RetinaFace's label.txt; predictions have scores last.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from ultra_face.cli.command import logging_on_standard_error, new_parser, progress, share
from ultra_face.cli.detector import add_options, take_run
from ultra_face.evaluation.landmarks import report_landmarks


def parser() -> ArgumentParser:
    """What the command asks for."""
    new = new_parser(
        "evaluate-landmarks",
        __doc__,
        "--predictions predicted.txt --annotations label.txt",
        "--model best.pt --images images --annotations label.txt",
    )
    add = new.add_argument
    add("--annotations", type=Path, required=True, help="annotated faces")
    add("--predictions", type=Path, help="predicted faces")
    add("--subset-list", type=Path, help="text file of image paths: evaluate only these")
    add("--allow-missing", action="store_true", help="faces of images without predictions count as not found")
    add("--iou-threshold", type=share, default=0.5, help="lowest IoU of a predicted and an annotated face")
    add("--json", dest="json_file", help="write the record here; - prints it instead of the table")
    add("--plot", type=Path, help="picture of the cumulative errors")
    return add_options(new, output="runs/landmarks.txt")


def run(options: Namespace) -> None:
    """Run the model if one is named, and report."""
    asked = take_run(options)
    if asked is not None:
        from ultra_face.evaluation.detect_folders import write_landmarks  # torch is needed here only

        sources = {"annotations": options.annotations, "subset_list": options.subset_list}
        with logging_on_standard_error():
            options.predictions = write_landmarks(asked, **sources, progress=progress("images"))
    report_landmarks(**vars(options))
