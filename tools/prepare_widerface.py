"""Prepare faces for `yolo train`: WIDER FACE, or images with label.txt, landmarks.txt or Pascal VOC's annotations."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

from ultralytics.utils import TQDM

from ultra_face.command import command
from ultra_face.data.prepare import prepare_dataset
from ultra_face.data.preview import save_contact_sheet
from ultra_face.data.splits import split_argument


@command("prepare_widerface")
def main() -> None:
    """Read the command line, prepare, report."""
    add = (parser := argparse.ArgumentParser(description=__doc__)).add_argument
    add("sources", nargs="+", type=Path, help="folder of archives, or of images and annotations")
    add("--output", required=True, type=Path, help="folder of the data set to write")
    add("--images", type=Path, help="folder of the images (default: beside the annotations)")
    add("--split", action="append", type=split_argument, metavar="NAME[=LIST]", help="a split, its image list")
    add("--hold-out", type=int, metavar="N", help="instead of lists: every N-th image by name is val, the rest train")
    add("--link", action="store_true", help="symbolic links instead of copies of the images")
    add("--preview", type=Path, metavar="PNG", help="write a contact sheet with boxes and landmarks drawn")
    args = parser.parse_args()
    choices = {"image_folder": args.images, "split_lists": dict(args.split or ()), "hold_out": args.hold_out}
    progress = partial(TQDM, desc="images")
    print(prepare_dataset(args.sources, args.output, **choices, link=args.link, progress=progress))
    if args.preview:
        save_contact_sheet(args.output, args.preview)


if __name__ == "__main__":
    main()
