"""Landmark accuracy of any detector: normalised mean error, failure rate, cumulative errors.

python tools/eval_landmarks.py --predictions predicted.txt --annotations label.txt
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ultra_face.eval.landmark_report import report_landmarks


def main() -> None:
    """Read the arguments and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    layout = "in the layout of RetinaFace's label.txt"
    parser.add_argument("--predictions", type=Path, required=True, help=f"faces {layout}, scores last")
    parser.add_argument("--annotations", type=Path, required=True, help=f"faces {layout}")
    parser.add_argument("--subset-list", type=Path, help="text file of image paths: evaluate only these")
    parser.add_argument("--iou-threshold", type=float, default=0.5, help="lowest IoU of paired faces")
    parser.add_argument("--json", dest="json_file", help="write the record; - prints it instead of the table")
    parser.add_argument("--plot", type=Path, help="picture of the cumulative errors")
    report_landmarks(**vars(parser.parse_args()))


if __name__ == "__main__":
    main()
