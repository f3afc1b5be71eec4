"""WIDER FACE average precision of any detector's result files, or of a model."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from ultra_face.cli.command import logging_on_standard_error, new_parser, progress
from ultra_face.cli.detector import add_options, take_run
from ultra_face.evaluation.report import report_folders


def parser() -> ArgumentParser:
    """What the command asks for."""
    new = new_parser(
        "evaluate",
        __doc__,
        "--predictions RESULTS --ground-truth GROUND_TRUTH",
        "--model best.pt --images WIDER_val/images --ground-truth GROUND_TRUTH",
    )
    add = new.add_argument
    add("--ground-truth", type=Path, required=True, help="folder of .mat files, or wider_face_val_bbx_gt.txt")
    add("--predictions", type=Path, help="folder of event/name.txt result files")
    add("--compare", type=Path, nargs="+", default=(), help="result folders of other detectors")
    add("--subset-list", type=Path, help="text file of images: evaluate only these")
    add("--allow-missing", action="store_true", help="images without result file count as empty")
    add("--allow-extra", action="store_true", help="leave out result files of unknown images")
    add("--confidence", type=float, help="also report precision, recall and F1 at this score")
    add("--json", dest="json_file", help="write the record here; - prints it instead of the table")
    add("--plot", type=Path, help="picture of the precision-recall curves")
    add(
        "--reliability",
        type=Path,
        dest="reliability_plot",
        help="picture of how often boxes of some score and size are right",
    )
    return add_options(new, output="runs/widerface")


def run(options: Namespace) -> None:
    """Run the model if one is named, and report."""
    asked = take_run(options)
    if asked is not None:
        from ultra_face.evaluation.detect_folders import write_result_files  # torch is needed here only

        sources = {"ground_truth": options.ground_truth, "subset_list": options.subset_list}
        with logging_on_standard_error():
            options.predictions = write_result_files(asked, **sources, progress=progress("images"))
    report_folders(**vars(options))
