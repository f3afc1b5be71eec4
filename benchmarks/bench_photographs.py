"""The second look on whole photographs, beside what it competes with: the plain detector at a larger input.

The detector runs at one input size: plain; with K windows cut from the input; and with K windows cut from the
photograph, which shows more where it is larger than the input. Besides, plain at larger sizes. All take turns on each
photograph.

    python benchmarks/bench_photographs.py DETECTOR.pt --data DATA.yaml --data-name "..."

The figures go to `results/NAME.json`.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import torch

from benchmarks.bench_refinement import SETTINGS, System, read_photographs, run, with_model, write_systems
from benchmarks.provenance import provenance
from ultra_face.cli.refine import setting


def main() -> None:
    """Run all systems over all photographs, then write the result file."""
    options = _options()
    torch.set_num_threads(options.threads)
    cv2.setNumThreads(options.threads)
    size, changes = options.imgsz, {"blocks": 0} | dict(options.set)
    named = ("detector", "imgsz", "larger", "windows", "threads")
    config = {key: getattr(options, key) for key in named} | {"sr": changes}
    record = provenance(config, options.data_name, None)
    settings = replace(SETTINGS, scales=(size,))
    systems = [
        System(f"plain, {side} px", with_model(options.detector), settings=replace(settings, scales=(side,)))
        for side in (size, *options.larger)
    ]
    for count in options.windows:
        for source in ("input", "photograph"):
            own: dict[str, Any] = changes | {"windows": count, "photograph": source == "photograph"}
            model = with_model(options.detector, settings=own)
            systems.append(System(f"{size} px, K = {count} from the {source}", model, settings=settings))
    photographs = [
        photograph
        for photograph in read_photographs(Path(options.data), options.images)
        if max(photograph[1].shape) >= options.at_least
    ]
    write_systems(options.name, "systems", run(systems, photographs, 1), record, len(photographs))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("detector", help="trained face model, .pt")
    parser.add_argument("--data", required=True, help="data YAML; its validation split is used")
    parser.add_argument("--data-name", required=True, help="the data in words, for the record")
    parser.add_argument("--imgsz", type=int, default=320, help="long side of the input [px]")
    parser.add_argument("--larger", nargs="+", type=int, default=[640], help="larger inputs [px]")
    parser.add_argument("--at-least", type=int, default=640, help="smallest long side of a photograph [px]")
    parser.add_argument("--windows", nargs="+", type=int, default=[8, 16, 32], help="values of K")
    parser.add_argument("--set", nargs="+", type=setting, default=(), metavar="KEY=VALUE", help="changes to `sr:`")
    parser.add_argument("--images", type=int, help="about so many photographs, evenly spread (default: all)")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--name", default="photographs", help="name of the result file")
    return parser.parse_args()


if __name__ == "__main__":
    main()
