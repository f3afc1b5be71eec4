"""Where the time of a refined forward pass goes: stage one, windows, cut, enlargement, stage two, integration.

    python benchmarks/bench_stages.py DETECTOR.pt PHOTOGRAPH.jpg --generator light=GENERATOR.pt --data-name "..."

The stages run over K windows each, the whole pass over those of them that the photograph needs. Medians over rounds in
which all take turns; the figures go to `results/refinement-stages.json`.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor
from ultralytics import YOLO
from ultralytics.data.augment import LetterBox

from benchmarks.provenance import provenance
from ultra_face.cli.refine import setting
from ultra_face.refinement.checkpoint import refine_model
from ultra_face.refinement.tiles import cut_windows
from ultra_face.super_resolution.checkpoint import load_generator

RESULTS = Path(__file__).resolve().parent.parent / "results"


@torch.no_grad()
def main() -> None:
    """Time every stage for every enlargement, then write the result file."""
    options = _options()
    image = cv2.imread(options.photograph)
    x = _input(image, options.imgsz)
    detector = YOLO(options.detector).model
    changes = dict(options.set)
    models = {"cubic": refine_model(detector, settings=changes | {"blocks": 0})}
    for name, file in options.generator:
        models[name] = refine_model(detector, generator=load_generator(file), settings=changes)
    report: dict[str, Any] = {
        "provenance": provenance(
            {key: getattr(options, key) for key in ("imgsz", "rounds", "set")} | {"input": list(x.shape)},
            options.data_name,
            None,
        )
    }
    for threads in options.threads:
        torch.set_num_threads(threads)
        passes = {name: stages(model.fuse().eval(), x) for name, model in models.items()}
        times: dict[str, dict[str, list[float]]] = {name: {stage: [] for stage in passes[name]} for name in passes}
        for _ in range(options.rounds + 1):
            for name, stage_passes in passes.items():
                for stage, run in stage_passes.items():
                    started = time.perf_counter()
                    run()
                    times[name][stage].append(1000 * (time.perf_counter() - started))
        report[f"{threads} threads"] = {
            name: {stage: round(statistics.median(values[1:]), 2) for stage, values in by_stage.items()}
            for name, by_stage in times.items()
        }
        print(threads, json.dumps(report[f"{threads} threads"], indent=1))
    file = RESULTS / "refinement-stages.json"
    file.write_text(json.dumps(report, indent=1) + "\n")
    print(f"wrote {file}")


def stages(model: Any, x: Tensor) -> dict[str, Callable[[], Any]]:
    """Each stage by itself, on what the stage before gives, and the whole pass."""
    head = model.model[-1]
    refined = head.sr
    plain = replace(refined, windows=0)

    def without_refinement(images: Tensor) -> Tensor:
        head.sr = plain
        predictions: Tensor = model(images)[0]
        head.sr = refined
        return predictions

    first = without_refinement(x)
    windows = head.find_windows(first, x.shape[-2:])
    cut = cut_windows(x, windows.left_top, side=refined.window)
    tiles = head.enlarge(cut)
    return {
        "stage one": lambda: without_refinement(x),
        "candidates and windows": lambda: head.find_windows(first, x.shape[-2:]),
        "cut": lambda: cut_windows(x, windows.left_top, side=refined.window),
        "enlargement": lambda: head.enlarge(cut),
        "stage two": lambda: without_refinement(tiles),
        "all, with integration": lambda: model(x),
    }


def _input(image: np.ndarray, imgsz: int) -> Tensor:
    """RGB (1, 3, H, W), 0..1."""
    boxed = LetterBox((imgsz, imgsz), auto=True, stride=32)(image=image)
    return torch.from_numpy(np.ascontiguousarray(boxed[..., ::-1].transpose(2, 0, 1))).float()[None] / 255


def _named_file(text: str) -> tuple[str, str]:
    name, _, file = text.partition("=")
    return name, file


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("detector", help="trained face model, .pt")
    parser.add_argument("photograph", help="a crowd, so that many windows are needed")
    parser.add_argument("--generator", nargs="*", type=_named_file, default=(), metavar="NAME=FILE")
    parser.add_argument("--data-name", required=True, help="the photograph in words, for the record")
    parser.add_argument("--set", nargs="+", type=setting, default=(), metavar="KEY=VALUE", help="changes to `sr:`")
    parser.add_argument("--imgsz", type=int, default=640)
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--rounds", type=int, default=11)
    return parser.parse_args()


if __name__ == "__main__":
    main()
