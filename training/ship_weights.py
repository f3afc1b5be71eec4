"""Make the file that users get of checkpoints: weights averaged and halved, nothing of where they were made.

    python training/ship_weights.py runs/pose/train/weights/last.pt --output weights/yolov5n-aesvc-face.pt

The model is built anew from its YAML, so that it is one of this package whatever script trained it. The optimiser goes,
and so do paths; `--imgsz` is the input size at which the weights predict unless told otherwise.
"""

from __future__ import annotations

import argparse
import datetime
import sys
from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from ultralytics import __version__ as host_version
from ultralytics.nn.tasks import PoseModel

import ultra_face

RIGHTS = {"license": "AGPL-3.0 (https://ultralytics.com/license)", "docs": "https://docs.ultralytics.com"}
"""As Ultralytics writes them into its own checkpoints."""
TOLD_BY_DATA = ("names", "kpt_shape", "kpt_names", "kpt_oks_sigmas")
"""What a trainer sets on a model from the data YAML."""
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
    first, trained = checkpoints[0], [checkpoint.get("ema") or checkpoint["model"] for checkpoint in checkpoints]
    description = deepcopy(trained[0].yaml)
    description["yaml_file"] = Path(description["yaml_file"]).name
    model = PoseModel(description, ch=description.get("channels", 3), nc=description["nc"], verbose=False)
    model.load_state_dict(average([item.float().state_dict() for item in trained]))
    for attribute in TOLD_BY_DATA:
        if hasattr(trained[0], attribute):
            setattr(model, attribute, getattr(trained[0], attribute))
    settings = {key: value for key, value in first["train_args"].items() if key not in PLACES} | {"imgsz": image_size}
    model.task, model.args, model.pt_path = "pose", settings, name
    for parameter in model.parameters():
        parameter.requires_grad = False
    return {
        "date": first.get("date") or datetime.datetime.now(datetime.timezone.utc).isoformat(),
        "version": first.get("version") or host_version,
        **{key: first.get(key) or value for key, value in RIGHTS.items()},
        "epoch": -1,
        "best_fitness": None,
        "model": model.eval().half(),
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
    if options.output.suffix.lower() != ".pt":
        sys.exit(f"ship_weights: {options.output}: expected a name that ends in .pt; write that, then export it")
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
