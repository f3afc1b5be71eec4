"""What scores mean, for detectors side by side, and what calibration makes of them.

All detectors look at the same labelled photographs in one run. Those named to `--calibrate` are calibrated too, on one
half of the photographs and judged on the other, both ways.

    python benchmarks/bench_reliability.py OURS.pt OTHER.onnx --calibrate OURS.pt --data DATA.yaml --data-name "..."

`--without-slope` also calibrates the first model as it was before so much of log2(side / 32 px) was put into its
scores; that is called `NAME, before its scores by size`. The figures go to `results/reliability.json`.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.peers.table import ADAPTERS, name_of
from benchmarks.provenance import REPOSITORY, RESULTS, provenance
from benchmarks.side_by_side.contestant import Settings
from benchmarks.side_by_side.peer import Peer
from ultra_face.calibration.calibrate import calibrate
from ultra_face.calibration.report import describe_calibration
from ultra_face.calibration.weights import AnchorSides, Term
from ultra_face.cli.command import command, progress
from ultra_face.cli.data_yaml import data_folders
from ultra_face.cli.detector import input_side
from ultra_face.detector import FaceDetector
from ultra_face.evaluation.photographs import Photographs, read_labelled
from ultra_face.evaluation.protocol import evaluate
from ultra_face.evaluation.reliability import Judged, describe, reliability
from ultra_face.faces import Faces
from ultra_face.files.whole import write_file
from ultra_face.formats.result_files import to_rows
from ultra_face.runtimes.ultralytics_model import open_checkpoint

NAME = "reliability"
LEAST_SCORE, MAX_FACES = 0.02, 3000
ALL = "all"


def opened(file: str, size: int) -> tuple[str, Callable[[Path], Faces]]:
    """The name of a detector, and what finds the faces of an image file."""
    if file.endswith(".onnx"):
        peer = Peer(Path(file)).open(Settings(size, confidence=LEAST_SCORE, max_det=MAX_FACES))
        return name_of(file), lambda image: peer(image)[0]
    detector = FaceDetector(file, conf=LEAST_SCORE, max_faces=MAX_FACES, imgsz=size, device="cpu")
    return Path(file).stem, lambda image: detector(str(image))


def judged(photographs: Photographs, find: Callable[[Path], Faces], scales: NDArray[np.float64], does: str) -> Judged:
    """The boxes of a detector, with their sides in input pixels by the scale of each photograph (N,)."""
    assert photographs.truth is not None
    rows = {}
    for name, file in progress(does)(photographs.files.items()):
        found = find(file)
        rows[name] = to_rows(found.boxes_xyxy, found.scores)
    boxes = evaluate(photographs.truth, rows).judged(ALL)
    return replace(boxes, sides=boxes.sides * scales[boxes.images])


def input_scales(photographs: Photographs, size: int) -> NDArray[np.float64]:
    """What a pixel of each photograph (N,) is in an input of this size [input px]."""
    sides = []
    for file in photographs.files.values():
        with Image.open(file) as image:
            sides.append(max(image.size))
    return size / np.array(sides, np.float64)


def without_slope(model: Any, slope: float) -> Any:
    """A copy of a model with AnchorPose, less so much a doubling of the side, by the tangent of log2 of a side."""
    plain = copy.deepcopy(model).float()
    AnchorSides(1 / math.log(2)).write(plain.model[-1], Term(1, -slope, 0))
    return plain


def calibrations(file: str, photographs: Photographs, size: int, slope: float) -> dict[str, Any]:
    """Both calibrations of a model, and of what it was before its scores by size."""
    name, model = Path(file).stem, open_checkpoint(Path(file)).model
    models = {name: model}
    if slope:
        models[f"{name}, before its scores by size"] = without_slope(model, slope)
    found = {}
    for title, candidate in models.items():
        found[title] = {}
        for kind, probability in (("order", False), ("probability", True)):
            _, calibration = calibrate(
                candidate,
                photographs,
                size=size,
                data="of this record",
                probability=probability,
                progress=progress(f"{title}, {kind}"),
            )
            found[title][kind] = describe_calibration(calibration)
    return found


@command("bench_reliability")
def main() -> None:
    """Look, judge, calibrate, write the result file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("detectors", nargs="+", help=f".pt of Ultralytics, or .onnx of one of {', '.join(ADAPTERS)}")
    add("--calibrate", nargs="*", default=(), help=".pt that are calibrated too")
    add("--without-slope", type=float, default=0.0, help="of the first of these, what was put in a doubling")
    add("--data", required=True, help="data YAML: photographs of val")
    add("--data-name", required=True, help="these in words, for the record")
    add("--imgsz", type=input_side, default=640, help="longer side of the input [px] (default: 640)")
    options = parser.parse_args()
    config = {"imgsz": options.imgsz, "least score": LEAST_SCORE, "without slope": options.without_slope}
    record = {"provenance": provenance(config, options.data_name, None)}
    (folders,) = data_folders(options.data, "val")
    photographs = read_labelled(folders, progress=progress("labels"))
    assert photographs.truth is not None
    detectors, scales = {}, input_scales(photographs, options.imgsz)
    for file in options.detectors:
        name, find = opened(file, options.imgsz)
        bands = reliability(judged(photographs, find, scales, name))
        detectors[name] = describe(bands, frame="input of the network")
    calibrated: dict[str, Any] = {}
    for number, file in enumerate(options.calibrate):
        calibrated |= calibrations(file, photographs, options.imgsz, 0.0 if number else options.without_slope)
    record |= {
        "photographs": len(photographs.files),
        "faces": len(photographs.truth.boxes_xywh),
        "detectors": detectors,
        "calibrations": calibrated,
    }
    file = REPOSITORY / RESULTS / f"{NAME}.json"
    write_file(file, (json.dumps(record, indent=2) + "\n").encode())
    print(f"wrote {file}")


if __name__ == "__main__":
    main()
