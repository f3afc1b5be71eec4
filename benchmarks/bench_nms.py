"""The suppression of SR-YOLOv5, by CIoU inside the network, beside Ultralytics' own NMS, by IoU.

Both run over the photographs of a validation split with the same detector, at several thresholds, taking turns.

    python benchmarks/bench_nms.py DETECTOR.pt --data DATA.yaml --data-name "..."

The figures go to `results/nms.json`.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import cv2
import torch

from benchmarks.bench_refinement import SETTINGS, System, read_photographs, run, with_model, write_systems
from benchmarks.provenance import provenance

AFTERWARDS = 0.95
"""IoU of Ultralytics' NMS behind the one by CIoU: so high that it drops nothing more."""


def main() -> None:
    """Run all thresholds over all photographs, then write the result file."""
    options = _options()
    torch.set_num_threads(options.threads)
    cv2.setNumThreads(options.threads)
    config = {key: getattr(options, key) for key in ("detector", "thresholds", "threads")}
    record = provenance(config, options.data_name, None)
    systems = []
    for threshold in options.thresholds:
        stock = replace(SETTINGS, nms_iou=threshold)
        ours = replace(SETTINGS, nms_iou=AFTERWARDS)
        by_ciou = with_model(options.detector, settings={"windows": 0, "ciou_nms": threshold})
        systems.append(System(f"IoU {threshold}", with_model(options.detector), settings=stock))
        systems.append(System(f"CIoU {threshold}", by_ciou, settings=ours))
    photographs = list(read_photographs(Path(options.data), options.images))
    write_systems("nms", "suppression", run(systems, photographs, 1), record, len(photographs))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("detector", help="trained face model, .pt")
    parser.add_argument("--data", required=True, help="data YAML; its validation split is used")
    parser.add_argument("--data-name", required=True, help="the data in words, for the record")
    parser.add_argument("--thresholds", nargs="+", type=float, default=[0.4, 0.5, 0.6, 0.7])
    parser.add_argument("--images", type=int, help="about so many photographs, evenly spread (default: all)")
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    main()
