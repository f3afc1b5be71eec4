"""Cut faces out as they stand in the image.

Beside the crops lies index.csv, a row for each. An input that fails is listed at the end and leaves neither.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from ultra_face.cli.command import new_parser, not_negative
from ultra_face.cli.crops import add_choice, write_crops


def parser() -> ArgumentParser:
    """What the command asks for."""
    new = new_parser("crop", __doc__, "photos --output faces --margin 0.3 --square")
    add = add_choice(new).add_argument
    add("--margin", type=not_negative, default=0.0, help="what to add on each side, as a part of the box (default: 0)")
    add("--square", action="store_true", help="squares of the longer side, black where the image ends")
    return new


def run(options: Namespace) -> int:
    """Crop and write; return the exit status."""
    return write_crops(
        options,
        lambda faces, pixels: faces.crop(pixels, margin=options.margin, square=options.square),
        by_landmarks=False,
    )
