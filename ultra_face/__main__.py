"""The command line: `python -m ultra_face doctor`, and the same as `ultra-face doctor`."""

from __future__ import annotations

import argparse
import sys

from ultra_face import doctor


def main() -> None:
    """Read the command line and run the command; exit 1 where the doctor finds a seam that does not hold."""
    parser = argparse.ArgumentParser(
        prog="ultra-face",
        description="Face models for Ultralytics. To train, validate, predict and export, use `yolo`.",
    )
    commands = parser.add_subparsers(required=True, metavar="command")
    commands.add_parser(
        "doctor",
        help="say whether the plugin is active, with which versions, files and devices",
        description=doctor.__doc__,
    )
    parser.parse_args()
    healthy, text = doctor.examine()
    print(text)
    sys.exit(0 if healthy else 1)


if __name__ == "__main__":
    main()
