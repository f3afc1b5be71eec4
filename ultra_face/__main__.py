"""The command line: `python -m ultra_face doctor` and `demo`, and the same as `ultra-face doctor` and `demo`."""

from __future__ import annotations

import argparse
import sys

from ultra_face import doctor


def main() -> None:
    """Read the command line, run the command and exit with its status."""
    parser = argparse.ArgumentParser(
        prog="ultra-face",
        description="Face models for Ultralytics. To train, validate, predict and export, use `yolo`.",
    )
    commands = parser.add_subparsers(required=True, metavar="command")
    commands.add_parser(
        "doctor",
        help="say whether the plugin is active, with which versions, files and devices",
        description=doctor.__doc__,
    ).set_defaults(run=doctor.run)
    demo = commands.add_parser(
        "demo",
        help="train a small model on drawn faces and look for faces in two photographs",
        description="Train a small model on drawn faces, then look for faces in the photographs of Ultralytics.",
    )
    demo.add_argument("--epochs", type=int, default=12, help="passes over the 128 drawn images (default: 12)")
    demo.add_argument("--imgsz", type=int, default=320, help="long side of the network's input in px (default: 320)")
    demo.set_defaults(run=_demo)
    options = vars(parser.parse_args())
    sys.exit(options.pop("run")(**options))


def _demo(*, epochs: int, imgsz: int) -> int:
    from ultra_face.first_run import train_and_predict  # the doctor must run where Ultralytics does not import

    train_and_predict(epochs=epochs, imgsz=imgsz)
    return 0


if __name__ == "__main__":
    main()
