"""Paste the training images of a prepared data set into collages, for photographs too small to train on alone."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

from ultralytics.utils import TQDM

from ultra_face.command import command
from ultra_face.data.collages import CollageSettings, make_collages
from ultra_face.data.number_range import parse_range
from ultra_face.data.preview import save_contact_sheet


@command("make_collages")
def main() -> None:
    """Read the command line, paste, report."""
    add = (parser := argparse.ArgumentParser(description=__doc__)).add_argument
    add("dataset", type=Path, help="prepared data set, with images/train and labels/train")
    add("--output", required=True, type=Path, help="folder of the data set to write")
    add("--side", type=int, default=416, help="side of a collage [px] (default: 416)")
    add("--cells", type=int, default=5, help="cells along the side, a photograph in each (default: 5)")
    add("--fill", default="0.5-1", metavar="LOW-HIGH", help="share of a cell that a photograph fills (default: 0.5-1)")
    add("--seed", type=int, default=0, help="seed of order, sizes and places (default: 0)")
    add("--preview", type=Path, metavar="PNG", help="write a contact sheet with boxes and landmarks drawn")
    args = parser.parse_args()
    progress = partial(TQDM, desc="collages")
    settings = CollageSettings(args.side, args.cells, *parse_range(args.fill, "--fill"))
    print(make_collages(args.dataset, args.output, settings, seed=args.seed, progress=progress))
    if args.preview:
        save_contact_sheet(args.output, args.preview)


if __name__ == "__main__":
    main()
