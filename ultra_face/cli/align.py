"""Cut faces out upright, turned and scaled so that their landmarks lie where recognition networks expect them.

Beside the crops lies index.csv, a row for each. An input that fails is listed at the end and leaves neither.
"""

from __future__ import annotations

import re
from argparse import ArgumentParser, ArgumentTypeError, Namespace

from ultra_face.cli.command import new_parser
from ultra_face.cli.crops import add_choice, write_crops

_SIZE = re.compile(r"([1-9]\d{0,3})(?:x([1-9]\d{0,3}))?")


def parser() -> ArgumentParser:
    """What the command asks for."""
    new = new_parser("align", __doc__, "photos --output faces", "group.jpg --output faces --largest 1 --size 96x112")
    add_choice(new).add_argument(
        "--size", type=_size, default=112, metavar="PX or WxH", help="of the crops [px] (default: 112)"
    )
    return new


def run(options: Namespace) -> int:
    """Align and write; return the exit status."""
    return write_crops(options, lambda faces, pixels: list(faces.align(pixels, size=options.size)), by_landmarks=True)


def _size(text: str) -> int | tuple[int, int]:
    match = _SIZE.fullmatch(text)
    if match is None:
        raise ArgumentTypeError(f"expected a side or a width and a height in px, such as 112 or 96x112, got {text!r}")
    width, height = match.groups()
    return int(width) if height is None else (int(width), int(height))
