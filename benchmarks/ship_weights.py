"""Make the file that users get of checkpoints: weights averaged and halved, nothing of where they were made.

    python benchmarks/ship_weights.py runs/pose/train/weights/last.pt --output weights/yolov5n-aesvc-face.pt

The optimiser goes, and so do paths; `--imgsz` is the input size at which the weights predict unless told otherwise.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import ultra_face

KEPT = ("date", "version", "license", "docs")
PLACES = ("data", "model", "name", "pretrained", "project", "save_dir")
"""Settings that say where a run found its files."""


def shipped(checkpoints: Sequence[Mapping[str, Any]], *, name: str, image_size: int) -> dict[str, Any]:
    """A checkpoint as Ultralytics strips it, with averaged weights and without places.

    Args:
        checkpoints: what Ultralytics wrote, of one architecture; the first gives all that is not averaged.
        name: of the file, by which the model knows itself.
        image_size: default side of the input [px].

    Raises:
        ValueError: architectures that differ.
    """
    models = [deepcopy(checkpoint.get("ema") or checkpoint["model"]).float() for checkpoint in checkpoints]
    model = models[0]
    model.load_state_dict(average([item.state_dict() for item in models]))
    model.half()
    for parameter in model.parameters():
        parameter.requires_grad = False
    settings = {key: value for key, value in checkpoints[0]["train_args"].items() if key not in PLACES}
    settings["imgsz"] = image_size
    model.args, model.pt_path, model.criterion = settings, name, None
    model.yaml["yaml_file"] = Path(model.yaml["yaml_file"]).name
    return {
        **{key: checkpoints[0][key] for key in KEPT},
        "epoch": -1,
        "best_fitness": None,
        "model": model,
        "ema": None,
        "train_args": settings,
    }


def average(states: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Mean of the floating tensors of state dictionaries; of others, such as counters, those of the first.

    Raises:
        ValueError: names or shapes that differ.
    """
    shapes = [{name: value.shape for name, value in state.items()} for state in states]
    if any(other != shapes[0] for other in shapes[1:]):
        raise ValueError("expected checkpoints of one architecture, got others; average those of one model YAML")
    return {
        name: torch.stack([state[name] for state in states]).mean(0) if value.is_floating_point() else value
        for name, value in states[0].items()
    }


def main() -> None:
    """Read the command line, write the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoints", nargs="+", type=Path, help="files of a training; several are averaged")
    parser.add_argument("--output", required=True, type=Path, help="file to write")
    parser.add_argument("--imgsz", type=int, default=640, help="default side of the input [px] (default: 640)")
    options = parser.parse_args()
    ultra_face.register()
    try:
        read = [torch.load(file, map_location="cpu", weights_only=False) for file in options.checkpoints]
        result = shipped(read, name=options.output.name, image_size=options.imgsz)
    except (OSError, ValueError) as error:
        sys.exit(f"ship_weights: {error}")
    options.output.parent.mkdir(parents=True, exist_ok=True)
    torch.save(result, options.output)
    print(f"wrote {options.output}, {options.output.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
