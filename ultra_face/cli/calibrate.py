"""Make the scores of a trained model mean the same for small faces and large ones; the file of the model is kept.

Fits the chance that a box is right on photographs that took no part in training, and writes it into the weights:
nothing changes at run time, and every export has it. What it brings is judged on photographs that the fit has not seen.
"""

from __future__ import annotations

import copy
import json
import os
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ultra_face.calibration.calibrate import calibrate
from ultra_face.calibration.report import describe_calibration, format_report
from ultra_face.cli.command import add_trust, logging_on_standard_error, new_parser, progress
from ultra_face.cli.data_yaml import data_folders
from ultra_face.cli.detector import input_side
from ultra_face.evaluation.photographs import Photographs, read_labelled
from ultra_face.files.whole import write_file
from ultra_face.formats.image_files import list_images
from ultra_face.plugin.checkpoint_report import FIT
from ultra_face.refinement.checkpoint import check_new_checkpoint, write_checkpoint
from ultra_face.runtimes.score_table import KEY
from ultra_face.runtimes.ultralytics_model import open_checkpoint


def parser() -> ArgumentParser:
    """What the command asks for."""
    new = new_parser(
        "calibrate",
        __doc__,
        "best.pt calibrated.pt --data faces.yaml",
        "best.pt chances.pt --data faces.yaml --split test --probability",
    )
    add = new.add_argument
    add("model", type=Path, help="trained face model, .pt")
    add("output", type=Path, help="file to write, .pt")
    add("--data", required=True, help="data YAML, as for yolo train")
    add("--split", default="val", choices=("val", "test", "train"), help="photographs to fit on (default: val)")
    add("--data-name", help="the photographs in words, for the table of scores (default: name of the YAML and split)")
    add("--imgsz", type=input_side, default=640, help="longer side of the input [px] (default: 640)")
    add("--probability", action="store_true", help="also make a score the chance that the box is right")
    add("--only-thresholds", action="store_true", help="keep the scores; store the table that --precision reads alone")
    add("--force", action="store_true", help="write the file even where nothing is gained")
    add("--json", type=Path, dest="json_file", help="write the figures here too")
    return add_trust(new)


def run(options: Namespace) -> None:
    """Fit, report, and write where something is gained."""
    check_new_checkpoint(options.output)
    if options.only_thresholds and (options.probability or options.force):
        raise ValueError("--only-thresholds: expected it without --probability and --force, which are of the scores")
    with logging_on_standard_error():
        detector = open_checkpoint(options.model)
        (folders,) = data_folders(options.data, options.split)
        photographs = read_labelled(folders, progress=progress("labels"))
        _refuse_trained(detector, photographs, options)
        name = options.data_name or f"{options.split} of {Path(options.data).stem}"
        try:
            changed, found = calibrate(
                detector.model,
                photographs,
                size=options.imgsz,
                data=name,
                probability=options.probability,
                progress=progress("photographs"),
            )
        except ValueError as error:
            raise ValueError(f"{options.model}, {options.split} of {options.data}: {error}") from error
    print(format_report(found), flush=True)
    if options.json_file is not None:
        write_file(options.json_file, f"{json.dumps(describe_calibration(found), indent=2)}\n".encode())
    if options.only_thresholds:
        kept = copy.deepcopy(detector.model)
        setattr(kept, KEY, found.before.table.noted())
        write_checkpoint(detector, kept, options.output)
        print(f"wrote {options.output}: scores as they were, with the table of scores")
    elif found.gains or options.force:
        setattr(changed, KEY, found.after.table.noted())
        setattr(changed, FIT, found.noted() | {"data": name})
        write_checkpoint(detector, changed, options.output)
        print(f"wrote {options.output}")
    else:
        print(
            "nothing is gained, so nothing is written; --force writes it all the same, --only-thresholds the table of "
            "scores alone"
        )


def _refuse_trained(detector: Any, photographs: Photographs, options: Namespace) -> None:
    """Refuse photographs that the model was trained on, where its checkpoint says which these were.

    Raises:
        ValueError: some of them were.
    """
    data = (detector.ckpt.get("train_args") or {}).get("data")
    trained = _training_images(data) if isinstance(data, (str, os.PathLike)) else []
    own = {file.resolve() for file in photographs.files.values()}
    if count := len(own & {file.resolve() for file in trained}):
        raise ValueError(
            f"{options.model}: expected photographs that it was not trained on, got {count:,} of {len(own):,} in "
            f"{options.split} of {options.data} that were; choose another --split or --data"
        )


def _training_images(data: str | os.PathLike[str]) -> Sequence[Path]:
    """The images of a checkpoint's own data YAML; none where it is no longer there."""
    if not Path(data).is_file():
        return []
    try:
        (train,) = data_folders(os.fspath(data), "train")
        return list_images(train)
    except (OSError, ValueError):
        return []
