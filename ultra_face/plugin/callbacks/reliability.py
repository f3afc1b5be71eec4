"""How often a box of some score and size is right, in Ultralytics' validation of face models: a file and a picture."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from ultralytics.utils import LOGGER

from ultra_face.evaluation.landmarks import box_sizes
from ultra_face.evaluation.matching import claim_faces
from ultra_face.evaluation.outcome import draw_reliability, save_plot
from ultra_face.evaluation.reliability import SCORE_EDGES, Judged, describe, first_of_each, join, reliability
from ultra_face.files.whole import write_file
from ultra_face.formats.result_files import to_rows
from ultra_face.plugin.callbacks.observers import Prediction, labelled_boxes

RECORD_FILE = "reliability.json"
PICTURE_FILE = "BoxReliability_curve.png"  # as Ultralytics' BoxPR_curve.png
IOU = 0.5


class ReliabilityObserver:
    """Judges the boxes of each image in pixels of the network's input; a box of another class is wrong."""

    worst: Mapping[str, float] = {}

    def __init__(self) -> None:
        self.judged: list[Judged] = []

    def see(self, prediction: Prediction, index: int, batch: dict[str, Any]) -> None:
        """Judge the boxes of one image."""
        rows = to_rows(prediction["bboxes"].cpu().numpy(), prediction["conf"].cpu().numpy())
        claims = claim_faces(rows[:, :4], labelled_boxes(batch, index), IOU)
        asked = batch["cls"][(batch["batch_idx"] == index).view(-1)].view(-1).cpu().numpy()
        is_other = (claims >= 0) & (np.append(asked, -1)[claims] != prediction["cls"].cpu().numpy())
        right = first_of_each(np.where(is_other, -1, claims), rows[:, 4])
        number = np.full(len(rows), len(self.judged))
        self.judged.append(Judged(rows[:, 4], box_sizes(rows), right, number, np.arange(len(rows))))

    def figures(self) -> dict[str, float]:
        """None: the table of results stays as it is."""
        return {}

    def tell(self, validator: Any) -> None:
        """Print a line, write record, and picture where Ultralytics draws its own; silent where no bin has a box."""
        judged = join(self.judged)
        if len(np.unique(judged.scores)) < 2 or judged.scores.max() < SCORE_EDGES[0]:
            return
        bands = reliability(judged)
        record = describe(bands, frame="input of the network")
        errors = ", ".join(
            f"{name} {values['calibration_error']:.3f}"
            for name, values in record["bands"].items()
            if values["calibration_error"] is not None
        )
        LOGGER.info(f"Scores: calibration error by side of the box: {errors}")
        validator.metrics.reliability = record
        folder = Path(validator.save_dir)
        write_file(folder / RECORD_FILE, (json.dumps(record, indent=2) + "\n").encode())
        if validator.args.plots:
            save_plot(draw_reliability({"Scores": bands}), folder / PICTURE_FILE)
