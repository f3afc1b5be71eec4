"""WIDER FACE average precision of any detector's result files.

python tools/eval_widerface.py --predictions runs/widerface --ground-truth wider-val-groundtruth
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ultra_face.eval.folders import report_folders


def main() -> None:
    """Read the arguments and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--predictions", type=Path, required=True, help="folder of event/name.txt result files")
    parser.add_argument("--ground-truth", type=Path, required=True, help=".mat folder or wider_face_val_bbx_gt.txt")
    parser.add_argument("--compare", type=Path, nargs="+", default=(), help="result folders of other detectors")
    parser.add_argument("--subset-list", type=Path, help="text file of images: evaluate only these")
    parser.add_argument("--allow-missing", action="store_true", help="images without result file count as empty")
    parser.add_argument("--allow-extra", action="store_true", help="leave out result files of unknown images")
    parser.add_argument("--confidence", type=float, help="also report precision, recall and F1 at this score")
    parser.add_argument("--json", dest="json_file", help="write the record here; - prints it instead of the table")
    parser.add_argument("--plot", type=Path, help="picture of the precision-recall curves")
    report_folders(**vars(parser.parse_args()))


if __name__ == "__main__":
    main()
