"""Prepare WIDER FACE, or images with a RetinaFace-style label.txt, for `yolo train`."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path

from ultralytics.utils import TQDM

from ultra_face.data.prepare import prepare_dataset
from ultra_face.data.preview import save_contact_sheet
from ultra_face.data.sources import split_argument


def main() -> None:
    """Read the command line, prepare, report."""
    add = (parser := argparse.ArgumentParser(description=__doc__)).add_argument
    add("sources", nargs="+", type=Path, help="folder of the official archives, or of images/ and label.txt")
    add("--output", required=True, type=Path, help="folder of the data set to write")
    add("--images", type=Path, help="image folder of a label file (default: images/ beside it)")
    add("--split", action="append", type=split_argument, metavar="NAME[=LIST]", help="a split, its image list")
    add("--link", action="store_true", help="symbolic links instead of copies of the images")
    add("--preview", type=Path, metavar="PNG", help="write a contact sheet with boxes and landmarks drawn")
    args = parser.parse_args()
    choices = {"image_folder": args.images, "split_lists": dict(args.split or ()), "link": args.link}
    try:
        print(prepare_dataset(args.sources, args.output, **choices, progress=partial(TQDM, desc="images")))
        if args.preview:
            save_contact_sheet(args.output, args.preview)
    except (OSError, ValueError) as error:
        sys.exit(f"prepare_widerface: {error}")


if __name__ == "__main__":
    main()
