"""The command line: `python -m ultra_face doctor`, and the same as `ultra-face doctor`."""

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
    sys.exit(parser.parse_args().run())


if __name__ == "__main__":
    main()
