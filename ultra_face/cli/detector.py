"""What commands that run a detector ask for: the model, its images, its settings, and where to write."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path

from ultra_face.cli.command import add_trust, positive, share
from ultra_face.evaluation.detect_images import STRIDE, Run, Settings

NAMED_SCALES = {"vga": 640, "original": None}
_OPTIONS = ("model", "images", "output", "scale", "flip", "conf", "iou", "max_det", "device")


def input_side(text: str) -> int:
    """Type of command-line options that give the longer side of an input [px].

    Raises:
        ArgumentTypeError: no positive multiple of 32.
    """
    if not text.isdecimal() or not int(text) or int(text) % STRIDE:
        raise ArgumentTypeError(f"expected a multiple of {STRIDE} px, such as 640, got {text!r}")
    return int(text)


def parse_scales(text: str) -> tuple[int | None, ...]:
    """`vga`, `original`, or a list such as `640,960,1280` -> long sides [px], None for the original size.

    Raises:
        ArgumentTypeError: another word, or a number that is no positive multiple of 32.
    """
    scales: list[int | None] = []
    for word in (part.strip() for part in text.split(",")):
        if word in NAMED_SCALES:
            scales.append(NAMED_SCALES[word])
        elif word.isdecimal() and int(word) and int(word) % STRIDE == 0:
            scales.append(int(word))
        else:
            raise ArgumentTypeError(
                f"scale {word!r}: expected {', '.join(NAMED_SCALES)} or a multiple of {STRIDE} px, such as 640,1280"
            )
    return tuple(scales)


def add_options(parser: ArgumentParser, *, output: str) -> ArgumentParser:
    """Add the options that name a model, its images, its settings and where to write (`output` by default)."""
    group = parser.add_argument_group("run a model instead of reading --predictions")
    group.add_argument("--model", help="pose or detect model of Ultralytics, or an export of one")
    group.add_argument("--images", type=Path, help="folder of the images")
    group.add_argument("--output", type=Path, default=Path(output), help=f"where to write, {output} by default")
    group.add_argument("--scale", type=parse_scales, default="vga", help="vga, original, or a list: 640,1280")
    group.add_argument("--flip", action="store_true", help="also run the mirrored image")
    group.add_argument("--conf", type=share, default=Settings.confidence, help="lowest score kept")
    group.add_argument("--iou", type=share, default=Settings.nms_iou, help="overlap of non-maximum suppression")
    group.add_argument("--max-det", type=positive, default=Settings.max_det, help="most detections of one image")
    group.add_argument("--device", help="such as cpu or 0; found by Ultralytics where not given")
    add_trust(parser).set_defaults(usage_error=parser.error)
    return parser


def take_run(options: Namespace) -> Run | None:
    """Take what `add_options` has added out of the options: the run asked for, None with `--predictions`.

    Exits with a usage message unless one of `--model` and `--predictions` is given, and `--images` with a model.
    """
    taken = {name: vars(options).pop(name) for name in _OPTIONS}
    usage_error = vars(options).pop("usage_error")
    vars(options).pop("trust", None)  # told to all that opens files, before the command runs
    if (taken["model"] is None) == (options.predictions is None):
        usage_error("give one of --predictions and --model")
    if taken["model"] is None:
        return None
    if taken["images"] is None:
        usage_error("--model needs --images")
    settings = Settings(
        scales=taken["scale"],
        flip=taken["flip"],
        confidence=taken["conf"],
        nms_iou=taken["iou"],
        max_det=taken["max_det"],
        device=taken["device"],
    )
    return Run(taken["model"], taken["images"], taken["output"], settings)
