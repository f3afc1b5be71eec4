"""Prepare faces for `yolo train`: WIDER FACE, or images with label.txt, landmarks.txt or Pascal VOC's annotations."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from ultra_face.cli.command import new_parser, progress
from ultra_face.data.prepare import prepare_dataset
from ultra_face.data.preview import save_contact_sheet
from ultra_face.data.sources import split_argument


def parser() -> ArgumentParser:
    """What the command asks for."""
    add = (new := new_parser("prepare", __doc__, "FOLDER --output datasets/faces --hold-out 7")).add_argument
    add("sources", nargs="+", type=Path, help="folder of archives, or of images and annotations")
    add("--output", required=True, type=Path, help="folder of the data set to write")
    add("--images", type=Path, help="folder of the images (default: beside the annotations)")
    add("--split", action="append", type=split_argument, metavar="NAME[=LIST]", help="a split, its image list")
    add("--hold-out", type=int, metavar="N", help="instead of lists: every N-th image by name is val, the rest train")
    add("--link", action="store_true", help="symbolic links instead of copies of the images")
    add("--preview", type=Path, metavar="PNG", help="write a contact sheet with boxes and landmarks drawn")
    return new


def run(options: Namespace) -> None:
    """Prepare and report."""
    report = prepare_dataset(
        options.sources,
        options.output,
        image_folder=options.images,
        split_lists=dict(options.split or ()),
        hold_out=options.hold_out,
        link=options.link,
        progress=progress("images"),
    )
    print(report)
    if options.preview:
        save_contact_sheet(options.output, options.preview)
