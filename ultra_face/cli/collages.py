"""Paste the training images of a prepared data set into collages, for photographs too small to train on alone."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from ultra_face.cli.command import new_parser, parse_range, progress
from ultra_face.data.collages import CollageSettings, make_collages
from ultra_face.data.preview import save_contact_sheet


def parser() -> ArgumentParser:
    """What the command asks for."""
    add = (new := new_parser("collages", __doc__, "datasets/mtfl --output datasets/collages --cells 4")).add_argument
    add("dataset", type=Path, help="prepared data set, with images/train and labels/train")
    add("--output", required=True, type=Path, help="folder of the data set to write")
    add("--side", type=int, default=416, help="side of a collage [px] (default: 416)")
    add("--cells", type=int, default=5, help="cells along the side, a photograph in each (default: 5)")
    add("--fill", default="0.5-1", metavar="LOW-HIGH", help="share of a cell that a photograph fills (default: 0.5-1)")
    add("--seed", type=int, default=0, help="seed of order, sizes and places (default: 0)")
    add("--preview", type=Path, metavar="PNG", help="write a contact sheet with boxes and landmarks drawn")
    return new


def run(options: Namespace) -> None:
    """Paste and report."""
    settings = CollageSettings(options.side, options.cells, *parse_range(options.fill, "--fill"))
    print(make_collages(options.dataset, options.output, settings, seed=options.seed, progress=progress("collages")))
    if options.preview:
        save_contact_sheet(options.output, options.preview)
