"""The command line: `ultra-face COMMAND`, and the same as `python -m ultra_face COMMAND`."""

from __future__ import annotations

import importlib
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter

from ultra_face import __version__
from ultra_face.cli.command import command
from ultra_face.files.trust import files_trusted

# What each command does. Its file in `cli/` has its parser and its one call, and is imported only when it is asked for:
# some need no torch, and the doctor must run where Ultralytics does not import.
COMMANDS = {
    "doctor": "say whether the plugin is active, with which versions, files and devices",
    "demo": "train a small model on drawn faces and look for faces in two photographs",
    "detect": "find faces in images and videos and write them as rows",
    "bulk": "find faces in very many photographs, on all cores or on a cluster",
    "align": "cut faces out upright, as recognition networks take them",
    "crop": "cut faces out as they stand in the image",
    "blur": "make people unrecognisable in photographs and videos",
    "track": "follow the faces of videos, with an id for each person",
    "prepare": "make a data set for `yolo train` of WIDER FACE and other annotated faces",
    "tiles": "cut training images of a useful size from crowds",
    "collages": "paste training images of a useful size from tiny photographs",
    "anchors": "fit anchors to the faces of a data set",
    "evaluate": "WIDER FACE average precision of result files, or of a model",
    "evaluate-landmarks": "landmark errors of any detector's files, or of a model",
    "refine": "put a trained generator, or other settings of the second look, into a face model",
    "show": "draw what the second look does to a photograph, step by step",
    "calibrate": "make the scores of a trained model mean the same for small faces and large ones",
    "fold-norms": "give a trained model norms that exports fold into its convolutions",
    "quantize": "make a model compute in 8-bit whole numbers, and report what that loses",
    "web": "show a page in the browser that finds faces, with a model of yours",
    "train-generator": "train the super-resolution generator of the second look",
}


def main(name: str | None = None) -> None:
    """Read the command line, run the command, and exit with its status where it gives one.

    Args:
        name: the command, for programs that are one; by default the first word of the command line.
    """
    words = sys.argv[1:] if name is None else [name, *sys.argv[1:]]
    parser = ArgumentParser(
        prog="ultra-face",
        description="Face models for Ultralytics. To train, validate, predict and export, use `yolo`.",
        epilog="commands:\n" + "\n".join(f"  {name:<19} {does}" for name, does in COMMANDS.items()),
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"ultra-face {__version__}")
    parser.add_argument(
        "command",
        choices=COMMANDS,
        metavar="command",
        help="one of those below; `ultra-face COMMAND --help` tells its options",
    )
    asked = parser.parse_args(words[:1]).command
    with command(f"ultra-face {asked}"):
        chosen = importlib.import_module(f"ultra_face.cli.{asked.replace('-', '_')}")
        options = chosen.parser().parse_args(words[1:])
        with files_trusted(vars(options).pop("trust", False)):
            status = chosen.run(options)
    if status is not None:
        sys.exit(status)


if __name__ == "__main__":
    main()
