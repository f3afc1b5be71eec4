"""Cut random tiles from the training images of a prepared data set, for the small faces of crowds."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

from ultralytics.utils import TQDM

from ultra_face.command import command
from ultra_face.data.number_range import parse_range
from ultra_face.data.preview import save_contact_sheet
from ultra_face.data.tiles import TileSettings, cut_tiles


@command("cut_tiles")
def main() -> None:
    """Read the command line, cut, report."""
    add = (parser := argparse.ArgumentParser(description=__doc__)).add_argument
    add("dataset", type=Path, help="prepared data set, with images/train and labels/train")
    add("--output", required=True, type=Path, help="folder of the data set to write")
    add("--side", default="260-520", metavar="LOW-HIGH", help="sides of the tiles [px] (default: 260-520)")
    add("--tiles", type=int, default=3, help="tiles of an image (default: 3)")
    add("--min-faces", type=int, default=8, help="faces that a tile must hold (default: 8)")
    add("--seed", type=int, default=0, help="seed of the windows (default: 0)")
    add("--preview", type=Path, metavar="PNG", help="write a contact sheet with boxes and landmarks drawn")
    args = parser.parse_args()
    progress = partial(TQDM, desc="photographs")
    shortest, longest = map(int, parse_range(args.side, "--side"))
    settings = TileSettings(args.tiles, shortest, longest, args.min_faces)
    print(cut_tiles(args.dataset, args.output, settings, seed=args.seed, progress=progress))
    if args.preview:
        save_contact_sheet(args.output, args.preview)


if __name__ == "__main__":
    main()
