"""Give a trained model norms that exports fold into its convolutions, without training; the file of the model is kept.

Each GroupNorm of CGS and MC4f becomes the BatchNorm that comes nearest on photographs of the training split.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from contextlib import redirect_stdout
from pathlib import Path

from ultra_face.cli.command import add_trust, logging_on_standard_error, new_parser, positive, progress, share
from ultra_face.cli.data_yaml import data_folders
from ultra_face.cli.detector import input_side
from ultra_face.deploy.folding import milliseconds, precision, write_folded
from ultra_face.deploy.norms import LEAST_CORRELATION
from ultra_face.deploy.photographs import Inputs, choose_evenly
from ultra_face.runtimes.ultralytics_model import open_checkpoint


def parser() -> ArgumentParser:
    """What the command asks for."""
    add = (new := new_parser("fold-norms", __doc__, "best.pt folded.pt --data faces.yaml")).add_argument
    add("model", type=Path, help="trained face model with MC4f or CGS, .pt")
    add("output", type=Path, help="file to write, .pt")
    add("--data", required=True, help="data YAML, as for yolo train; val is what measures both models")
    add("--photographs", type=positive, default=64, help="of train, to fit the norms on (default: 64)")
    add("--imgsz", type=input_side, default=640, help="longer side of the input [px] (default: 640)")
    add(
        "--least-correlation",
        type=share,
        default=LEAST_CORRELATION,
        help=f"of each block before and after, below which nothing is written (default: {LEAST_CORRELATION})",
    )
    return add_trust(new)


def run(options: Namespace) -> None:
    """Fold, and report what that changes."""
    with logging_on_standard_error():
        detector = open_checkpoint(options.model)
        (train,) = data_folders(options.data, "train")
        inputs = Inputs(choose_evenly(train, options.photographs), options.imgsz)
        folds = write_folded(
            detector,
            options.output,
            inputs,
            least_correlation=options.least_correlation,
            progress=progress("photographs"),
        )
        print(f"wrote {options.output}, fitted on {len(inputs)} photographs", flush=True)
        lines = [f"  {'correlation of ' + fold.name:<24}{fold.correlation:8.3f}" for fold in folds]
        print(*lines, sep="\n", flush=True)
    with logging_on_standard_error(), redirect_stdout(sys.stderr):  # where Ultralytics shows its progress
        both = (options.model, options.output)
        before, after = (precision(file, options.data, options.imgsz) for file in both)
        taken = milliseconds(both, options.imgsz)
    print(f"{'':<26}{'before':>8}{'after':>8}")
    print(*(f"  {name + ', %':<24}{before[name]:8.1f}{after[name]:8.1f}" for name in before), sep="\n")
    if taken:
        print(f"  {'ONNX, one thread, ms':<24}{taken[0]:8.1f}{taken[1]:8.1f}")
