"""The command line: `ultra-face doctor`, `demo` and `refine`, and the same as `python -m ultra_face`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ultra_face import doctor
from ultra_face.command import command, positive


def main() -> None:
    """Read the command line, run the command and exit with its status."""
    parser = argparse.ArgumentParser(
        prog="ultra-face",
        description="Face models for Ultralytics. To train, validate, predict and export, use `yolo`.",
    )
    commands = parser.add_subparsers(required=True, metavar="command", dest="command")
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
    demo.add_argument("--epochs", type=positive, default=12, help="passes over the 128 drawn images (default: 12)")
    demo.add_argument(
        "--imgsz", type=positive, default=320, help="long side of the network's input in px (default: 320)"
    )
    demo.set_defaults(run=_demo)
    refine = commands.add_parser(
        "refine",
        help="put a trained generator, or other settings of the refinement, into a trained face model",
        description="Write a face model that looks a second time at doubtful small faces; the model's file is kept.",
    )
    refine.add_argument("detector", type=Path, help="trained face model, .pt")
    refine.add_argument("output", type=Path, help="file to write, .pt")
    refine.add_argument(
        "--generator", type=Path, help="what tools/train_srgan.py wrote (default: keep, or interpolate)"
    )
    refine.add_argument(
        "--set",
        dest="changes",
        nargs="+",
        action="extend",
        default=[],
        metavar="KEY=VALUE",
        help="changes to `sr:`, e.g. windows=32",
    )
    refine.set_defaults(run=_refine)
    options = vars(parser.parse_args())
    with command(f"ultra-face {options.pop('command')}"):
        sys.exit(options.pop("run")(**options))


def _demo(*, epochs: int, imgsz: int) -> int:
    from ultra_face.first_run import train_and_predict  # the doctor must run where Ultralytics does not import

    train_and_predict(epochs=epochs, imgsz=imgsz)
    return 0


def _refine(*, detector: Path, output: Path, generator: Path | None, changes: list[str]) -> int:
    from ultra_face.refined_checkpoint import setting, write_refined  # the doctor must run without Ultralytics

    write_refined(detector, output, generator=generator, settings=dict(map(setting, changes)))
    print(f"wrote {output}")
    return 0


if __name__ == "__main__":
    main()
