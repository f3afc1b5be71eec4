"""WIDER FACE average precision in Ultralytics' validation, where the data YAML names the ground truth."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from ultralytics.utils import LOGGER
from ultralytics.utils.ops import scale_boxes

from ultra_face.evaluation.ground_truth import GroundTruth, GroundTruthError, load_ground_truth
from ultra_face.evaluation.protocol import Evaluation, evaluate
from ultra_face.evaluation.report import summarise
from ultra_face.files.whole import write_file
from ultra_face.formats.result_files import to_rows
from ultra_face.formats.widerface import abbreviate, image_name
from ultra_face.plugin.callbacks.observers import Prediction

KEY = "widerface_ground_truth"
RECORD_FILE = "widerface.json"


def ground_truth_of(data: Mapping[str, Any]) -> GroundTruth | None:
    """Load the ground truth that a data YAML names, relative to its `path`; None where it names none.

    Raises:
        FileNotFoundError: no such folder or file.
        GroundTruthError: it cannot be read.
    """
    named = data.get(KEY)
    if named is None:
        return None
    try:
        return _load(Path(data.get("path") or "") / str(named))
    except (FileNotFoundError, GroundTruthError) as error:
        raise type(error)(f"data YAML, {KEY}: {error}") from error


@functools.lru_cache(maxsize=1)
def _load(path: Path) -> GroundTruth:
    return load_ground_truth(path)


class WiderFaceObserver:
    """Collects detections in pixels of the original images, unrounded and without limit."""

    def __init__(self, truth: GroundTruth) -> None:
        self.truth = truth
        self.worst = worst_figures(truth)
        self.detections: dict[str, NDArray[np.float64]] = {}
        self.unknown: list[str] = []
        self._known = frozenset(truth.images)

    def see(self, prediction: Prediction, index: int, batch: dict[str, Any]) -> None:
        """Scale the boxes of one image back and keep them."""
        file = batch["im_file"][index]
        name = image_name(Path(file).as_posix())
        if name not in self._known:
            self.unknown.append(file)
            return
        boxes = scale_boxes(
            batch["img"].shape[2:],
            prediction["bboxes"].clone(),
            batch["ori_shape"][index],
            ratio_pad=batch["ratio_pad"][index],
        )
        self.detections[name] = to_rows(boxes.cpu().numpy(), prediction["conf"].cpu().numpy())

    @functools.cached_property
    def evaluation(self) -> Evaluation:
        """The evaluation of all images seen; ask when all are."""
        truth = self.truth.restrict(name for name in self.truth.images if name in self.detections)
        return evaluate(truth, self.detections)

    def figures(self) -> dict[str, float]:
        """Average precision of each subset, 0..1; NaN where the images validated hold no face of it."""
        return {figure_name(subset): curve.ap for subset, curve in self.evaluation.subsets().items()}

    def tell(self, validator: Any) -> None:
        """Print one line, save the record as `widerface.json`, and put it on the metrics as `widerface`."""
        seen, total = len(self.detections), len(self.truth.images)
        record = summarise(
            self.evaluation,
            images=f"all {total:,} images" if seen == total else f"only the {seen:,} of {total:,} images validated",
            detector=_settings(validator),
        )
        precision = ", ".join(
            f"{subset.capitalize()} " + ("-" if record[subset] is None else f"{record[subset]:.2f}")
            for subset in self.truth.counted
        )
        settings = ", ".join(f"{name} {value}" for name, value in record["protocol"]["detector"].items())
        LOGGER.info(f"WIDER FACE AP, %: {precision} ({record['protocol']['images']}; {settings})")
        if self.unknown:
            LOGGER.warning(
                f"{len(self.unknown)} images exist in no event of {KEY} and take no part: {abbreviate(self.unknown)}"
            )
        validator.metrics.widerface = record
        text = json.dumps(record, indent=2)
        write_file(Path(validator.save_dir) / RECORD_FILE, f"{text}\n".encode())


def figure_name(subset: str) -> str:
    """Name of the average precision of a subset among the results of a validation."""
    return f"metrics/AP-{subset}(W)"


def worst_figures(truth: GroundTruth) -> dict[str, float]:
    """What a detector reaches that finds nothing, by the names of the figures."""
    return {figure_name(subset): 0.0 for subset in truth.counted}


def _settings(validator: Any) -> dict[str, Any]:
    args = validator.args
    return {
        "image size": args.imgsz,
        "augment": bool(args.augment and not validator.training),
        "NMS IoU": args.iou,
        "confidence": args.conf,
        "limit on detections": args.max_det if getattr(validator, "end2end", False) else "none",
    }
