"""Cut random tiles from the training images of a prepared data set, for the small faces of crowds."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from ultra_face.cli.command import new_parser, parse_range, progress
from ultra_face.data.preview import save_contact_sheet
from ultra_face.data.tiles import TileSettings, cut_tiles


def parser() -> ArgumentParser:
    """What the command asks for."""
    add = (new := new_parser("tiles", __doc__, "datasets/crowd --output datasets/tiles --side 260-520")).add_argument
    add("dataset", type=Path, help="prepared data set, with images/train and labels/train")
    add("--output", required=True, type=Path, help="folder of the data set to write")
    add("--side", default="260-520", metavar="LOW-HIGH", help="sides of the tiles [px] (default: 260-520)")
    add("--tiles", type=int, default=3, help="tiles of an image (default: 3)")
    add("--min-faces", type=int, default=8, help="faces that a tile must hold (default: 8)")
    add("--seed", type=int, default=0, help="seed of the windows (default: 0)")
    add("--preview", type=Path, metavar="PNG", help="write a contact sheet with boxes and landmarks drawn")
    return new


def run(options: Namespace) -> None:
    """Cut and report."""
    shortest, longest = map(int, parse_range(options.side, "--side"))
    settings = TileSettings(options.tiles, shortest, longest, options.min_faces)
    print(cut_tiles(options.dataset, options.output, settings, seed=options.seed, progress=progress("photographs")))
    if options.preview:
        save_contact_sheet(options.output, options.preview)
