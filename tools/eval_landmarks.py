"""Landmark accuracy of any detector: normalised mean error, failure rate, cumulative errors.

python tools/eval_landmarks.py --predictions predicted.txt --annotations label.txt
python tools/eval_landmarks.py --model best.pt --images images --annotations label.txt

Predictions and annotations are in the layout of RetinaFace's label.txt; predictions have scores last.
"""

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from pathlib import Path

from ultra_face.command import command, share
from ultra_face.detection_settings import add_options, parse_run
from ultra_face.eval.landmark_report import report_landmarks


@command("eval_landmarks")
def main() -> None:
    """Read the arguments, run the model if one is named, and report."""
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--annotations", type=Path, required=True, help="annotated faces")
    add("--predictions", type=Path, help="predicted faces")
    add("--subset-list", type=Path, help="text file of image paths: evaluate only these")
    add("--allow-missing", action="store_true", help="faces of images without predictions count as not found")
    add("--iou-threshold", type=share, default=0.5, help="lowest IoU of a predicted and an annotated face")
    add("--json", dest="json_file", help="write the record here; - prints it instead of the table")
    add("--plot", type=Path, help="picture of the cumulative errors")
    add_options(parser, output="runs/landmarks.txt")
    run, options = parse_run(parser)
    if run is not None:
        from ultra_face.detect_folders import write_landmarks  # torch is needed here only

        sources = {"annotations": options.annotations, "subset_list": options.subset_list}
        options.predictions = write_landmarks(run, **sources)
    report_landmarks(**vars(options))


if __name__ == "__main__":
    main()
