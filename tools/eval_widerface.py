"""WIDER FACE average precision of any detector's result files, or of a model.

python tools/eval_widerface.py --predictions RESULTS --ground-truth GROUND_TRUTH
python tools/eval_widerface.py --model best.pt --images WIDER_val/images --ground-truth GROUND_TRUTH
"""

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from pathlib import Path

from ultra_face.command import command
from ultra_face.detection_settings import add_options, parse_run
from ultra_face.eval.folders import report_folders


@command("eval_widerface")
def main() -> None:
    """Read the arguments, run the model if one is named, and report."""
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--ground-truth", type=Path, required=True, help="folder of .mat files, or wider_face_val_bbx_gt.txt")
    add("--predictions", type=Path, help="folder of event/name.txt result files")
    add("--compare", type=Path, nargs="+", default=(), help="result folders of other detectors")
    add("--subset-list", type=Path, help="text file of images: evaluate only these")
    add("--allow-missing", action="store_true", help="images without result file count as empty")
    add("--allow-extra", action="store_true", help="leave out result files of unknown images")
    add("--confidence", type=float, help="also report precision, recall and F1 at this score")
    add("--json", dest="json_file", help="write the record here; - prints it instead of the table")
    add("--plot", type=Path, help="picture of the precision-recall curves")
    add_options(parser, output="runs/widerface")
    run, options = parse_run(parser)
    if run is not None:
        from ultra_face.detect_folders import write_result_files  # torch is needed here only

        sources = {"ground_truth": options.ground_truth, "subset_list": options.subset_list}
        options.predictions = write_result_files(run, **sources)
    report_folders(**vars(options))


if __name__ == "__main__":
    main()
