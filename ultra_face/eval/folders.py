"""Evaluate folders of result files and tell the outcome: a table, JSON, a picture."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from ultra_face.eval.curve import PrecisionRecall
from ultra_face.eval.ground_truth import load_ground_truth
from ultra_face.eval.image_names import check_same_images, read_image_list
from ultra_face.eval.outcome import save_plot, tell
from ultra_face.eval.plots import draw_precision_recall
from ultra_face.eval.protocol import Evaluation, evaluate
from ultra_face.eval.report import ap_percent, format_summary, summarise
from ultra_face.eval.result_files import DETECTOR_FILE, ResultFileError, read_predictions


def report_folders(
    predictions: Path,
    ground_truth: Path,
    *,
    compare: Sequence[Path] = (),
    subset_list: Path | None = None,
    allow_missing: bool = False,
    allow_extra: bool = False,
    confidence: float | None = None,
    json_file: str | None = None,
    plot: Path | None = None,
    progress: Callable[[Iterable[str]], Iterable[str]] = iter,
) -> dict[str, Any]:
    """Evaluate result files and print, save and plot the outcome.

    Args:
        predictions: folder of result files.
        ground_truth: folder of the official `.mat` files, or an annotation file.
        compare: folders of other detectors, for the picture and the record.
        subset_list: evaluate only the images that this text file lists.
        allow_missing: score images without a result file as if nothing was found there.
        allow_extra: leave out result files of images that exist in no event.
        confidence: also report precision, recall and F1 at this confidence.
        json_file: where to write the record; `-` prints it instead of the table.
        plot: picture of the precision-recall curves.
        progress: wraps the iteration over result files.

    Returns:
        The record of `report.summarise`; with `compare`, also `compared`: AP in percent by folder name and
        subset.

    Raises:
        FileNotFoundError, GroundTruthError, ImageSetError, ResultFileError: as the readers raise them.
        OSError: the record or the picture cannot be written; the table has been printed then.
        ValueError: the picture has a suffix that Matplotlib does not write.
    """
    everything = load_ground_truth(ground_truth)
    truth = everything if subset_list is None else everything.restrict(read_image_list(subset_list))
    images = f"all {len(truth.images):,} images"
    if subset_list is not None:
        images = f"only the {len(truth.images):,} of {len(everything.images):,} images in {subset_list}"
    evaluations: dict[Path, Evaluation] = {}
    for folder in (predictions, *compare):
        found = read_predictions(folder, progress=progress)
        check_same_images(everything.images, found, allow_missing=True, allow_extra=allow_extra)
        chosen = {name: found[name] for name in truth.images if name in found}
        evaluations[folder] = evaluate(truth, chosen, allow_missing=allow_missing)
    record = summarise(
        evaluations[predictions], images=images, detector=read_detector(predictions), confidence=confidence
    )
    curves = _by_name({folder: evaluation.subsets() for folder, evaluation in evaluations.items()})
    if compare:
        record["compared"] = {name: ap_percent(subsets) for name, subsets in curves.items()}
    tell(record, format_summary(record), json_file)
    if plot is not None:
        save_plot(draw_precision_recall(curves), plot)
    return record


def read_detector(folder: Path) -> dict[str, Any] | None:
    """How the detections of a folder were made, where `detector.json` says so.

    Raises:
        ResultFileError: the file holds something else.
    """
    path = Path(folder) / DETECTOR_FILE
    if not path.is_file():
        return None
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        record = None
    if not isinstance(record, dict):
        raise ResultFileError(f"{path}: expected a JSON object that says how the files were made; correct or remove it")
    return record


def _by_name(curves: dict[Path, dict[str, PrecisionRecall]]) -> dict[str, dict[str, PrecisionRecall]]:
    """Curves under the names of their folders; under the paths where two folders share a name."""
    names = {folder.resolve().name for folder in curves}
    return {
        folder.resolve().name if len(names) == len(curves) else str(folder): subsets
        for folder, subsets in curves.items()
    }
