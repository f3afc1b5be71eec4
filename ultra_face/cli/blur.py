"""Make people unrecognisable in photographs and videos, also in frames in which the detector misses them."""

from __future__ import annotations

import re
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable
from functools import partial
from math import inf
from pathlib import Path

import numpy as np

from ultra_face.cli.command import new_parser, not_negative, positive
from ultra_face.cli.outputs import Outputs
from ultra_face.cli.sources import (
    OF_VIDEOS,
    SourceFile,
    add_options,
    find_inputs,
    load_detector,
    watch,
    work_through,
)
from ultra_face.detection.images import is_video_name
from ultra_face.faces import Faces
from ultra_face.formats.image_files import Pixels, is_image_name
from ultra_face.formats.rewritten_images import FORMATS, rewrite_image
from ultra_face.video.blurring import HOLD, Detect, Hide, Region, hide_faces, outside
from ultra_face.video.holding import Boxes
from ultra_face.video.rewriting import CONTAINERS
from ultra_face.video.tracking import Tracker

METHODS: dict[str, Callable[..., Pixels]] = {"blur": Faces.blur, "pixelate": Faces.pixelate, "fill": Faces.fill}

_CLOCK = re.compile(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d+)?)")


def parser() -> ArgumentParser:
    """What the command asks for."""
    new = new_parser(
        "blur",
        __doc__,
        "photo.jpg party.mp4 --output blurred",
        "holiday --recursive --output blurred --method pixelate",
        "talk.mp4 --output safe.mp4 --hold 1 --keep-region 0,0,640,720",
    )
    add_options(new, output="file to write, or folder where there are several inputs", conf=OF_VIDEOS)
    add = new.add_argument_group("what is hidden").add_argument
    add("--method", choices=METHODS, default="blur", help="default: blur")
    add("--shape", choices=("ellipse", "box"), default="ellipse", help="default: ellipse")
    add("--margin", type=not_negative, default=0.3, help="how much larger than the face, as a share (default: 0.3)")
    add(
        "--keep-region",
        type=_region,
        action="append",
        default=[],
        metavar="LEFT,TOP,RIGHT,BOTTOM",
        help="faces whose middle lies in here [px] stay visible; may be repeated",
    )
    add("--keep-metadata", action="store_true", help="keep title, date, place, camera and chapters")
    add = new.add_argument_group("videos").add_argument
    add(
        "--hold",
        type=not_negative,
        default=HOLD,
        help=f"seconds that a face stays hidden before its first and after its last detection (default: {HOLD})",
    )
    add(
        "--spare-ids",
        type=_ids,
        default=(),
        metavar="ID,ID",
        help="people of one video who stay visible, as `ultra-face track` numbers them with the same options",
    )
    add("--start", type=_seconds, default=0.0, help="hide faces from here on: seconds, or 1:30 (default: the start)")
    add("--end", type=_seconds, default=inf, help="hide faces until here (default: the end)")
    return new


def run(options: Namespace) -> int:
    """Blur each input; return the exit status."""
    if options.end <= options.start:
        options.usage_error("--end: expected a time after --start")
    inputs = find_inputs(options)
    if options.spare_ids and sum(not file.is_image for file in inputs.files) > 1:
        options.usage_error("--spare-ids: expected one video, as each has ids of its own; run them one by one")
    outputs = Outputs.of(options, inputs)
    work = partial(_blur, outputs=outputs, options=options, detect=load_detector(options), hide=_hiding(options))
    return work_through(inputs, options, work)


def _blur(file: SourceFile, *, outputs: Outputs, options: Namespace, detect: Detect, hide: Hide) -> int:
    """Write the copy of one input; return how many faces were found, in a video in every frame."""
    target = outputs.claim(file, _copy_name(file))
    if not file.is_image:
        return hide_faces(
            file.path,
            target,
            detect=detect,
            hide=hide,
            hold=options.hold,
            span=(options.start, options.end),
            kept=options.keep_region,
            track=Tracker() if options.spare_ids else None,
            spared_ids=options.spare_ids,
            keep_metadata=options.keep_metadata,
            watch=lambda frames, total: watch(frames, file.path.name, total=total or None, quiet=options.quiet),
        )
    num_faces = 0

    def edit(image: Pixels) -> Pixels:
        nonlocal num_faces
        faces = detect(image)
        num_faces = len(faces)
        return hide(image, outside(faces.boxes_xyxy, options.keep_region))

    rewrite_image(file.path, target, edit, keep_metadata=options.keep_metadata)
    return num_faces


def _copy_name(file: SourceFile) -> Path:
    """The name of a copy below the folder, with a suffix that can be written."""
    writable, usual = (FORMATS, ".jpg") if file.is_image else (CONTAINERS, ".mkv")
    suffix = file.name.suffix.lower()
    if not suffix or suffix in writable:
        return file.name
    known = is_image_name(file.name) or is_video_name(file.name)
    return file.name.with_suffix(usual) if known else file.name.with_name(file.name.name + usual)


def _hiding(options: Namespace) -> Hide:
    paint = METHODS[options.method]

    def hide(image: Pixels, boxes: Boxes) -> Pixels:
        faces = Faces(boxes, np.full((len(boxes), 5, 2), np.nan), np.ones(len(boxes)))
        return paint(faces, image, shape=options.shape, scale=1 + options.margin, inplace=True)

    return hide


def _ids(text: str) -> tuple[int, ...]:
    return tuple(map(positive, text.split(",")))


def _seconds(text: str) -> float:
    match = _CLOCK.fullmatch(text)
    if match is None:
        raise ArgumentTypeError(f"expected seconds, or minutes:seconds, or hours:minutes:seconds, got {text!r}")
    hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return 3600 * hours + 60 * minutes + seconds


def _region(text: str) -> Region:
    try:
        left, top, right, bottom = map(float, text.split(","))
    except ValueError:
        raise ArgumentTypeError(f"expected LEFT,TOP,RIGHT,BOTTOM in px, got {text!r}") from None
    if not (left < right and top < bottom):
        raise ArgumentTypeError(f"expected a region from left to right and from top to bottom, got {text!r}")
    return left, top, right, bottom
