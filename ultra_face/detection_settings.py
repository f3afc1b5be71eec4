"""How a detector is run for an evaluation, and the command-line options that say so."""

from __future__ import annotations

import importlib.metadata
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ultra_face.command import positive, share

NAMED_SCALES = {"vga": 640, "original": None}
STRIDE = 32
_OPTIONS = ("model", "images", "output", "scale", "flip", "conf", "iou", "max_det", "device")


@dataclass(frozen=True)
class Settings:
    """How a detector is run: the part of a protocol that an AP means nothing without.

    Attributes:
        scales: long side of the image [px] of each pass; None leaves the image as it is.
        flip: repeat each pass with the mirrored image.
        confidence: lowest score kept.
        nms_iou: overlap at which the lower of two boxes is dropped, within each pass and over all passes.
        max_det: most detections kept of one image.
        device: where to run, as Ultralytics names devices; None leaves it to Ultralytics.
    """

    scales: Sequence[int | None] = (640,)
    flip: bool = False
    confidence: float = 0.001
    nms_iou: float = 0.5
    max_det: int = 3000
    device: str | None = None


@dataclass(frozen=True)
class Run:
    """A model, the folder of its images, where to write what it finds, and its settings."""

    model: str
    images: Path
    output: Path
    settings: Settings


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


def add_options(parser: ArgumentParser, *, output: str) -> None:
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


def parse_run(parser: ArgumentParser, line: Sequence[str] | None = None) -> tuple[Run | None, Namespace]:
    """Parse the command line: the run that it asks for, None with `--predictions`, and all other options.

    Exits with a usage message unless one of `--model` and `--predictions` is given, and `--images` with a model.
    """
    options = parser.parse_args(line)
    taken = {name: vars(options).pop(name) for name in _OPTIONS}
    if (taken["model"] is None) == (options.predictions is None):
        parser.error("give one of --predictions and --model")
    if taken["model"] is None:
        return None, options
    if taken["images"] is None:
        parser.error("--model needs --images")
    settings = Settings(
        scales=taken["scale"],
        flip=taken["flip"],
        confidence=taken["conf"],
        nms_iou=taken["iou"],
        max_det=taken["max_det"],
        device=taken["device"],
    )
    return Run(taken["model"], taken["images"], taken["output"], settings), options


def describe(settings: Settings) -> dict[str, Any]:
    """Record of the settings for reports."""
    return {
        "scale": ", ".join("original" if scale is None else f"{scale} px" for scale in settings.scales),
        "flip": settings.flip,
        "confidence": settings.confidence,
        "NMS IoU": settings.nms_iou,
        "limit on detections": settings.max_det,
        "ultralytics": importlib.metadata.version("ultralytics"),
    }
