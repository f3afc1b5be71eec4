"""A start for training: the trunk of a model takes the convolutions of another detector's, as the shipped weights did.

The donor is a checkpoint of Ultralytics of the same width. Its trunk has C2f or C3 where the model has MC4f, and C3
where it has C3, as those of YOLOv8 and YOLOv5. Neck and head start at random, or from `--weights`. The report tells how
each layer's output correlates with the donor's on the photographs.

    python training/start_from.py DONOR.pt cfg/models/yolov5n-aesvc.yaml --images PHOTOGRAPHS --output start.pt
    yolo train model=start.pt data=DATA.yaml cfg=cfg/train/shipped.yaml
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from ultralytics.nn.modules.block import SPPF

import ultra_face
from training.pouring import pour
from training.ship_weights import shipped
from ultra_face.cli.command import add_trust, command, logging_on_standard_error, positive
from ultra_face.cli.detector import input_side
from ultra_face.deploy.norms import Moments
from ultra_face.deploy.photographs import Inputs, choose_evenly
from ultra_face.files.trust import files_trusted
from ultra_face.files.whole import replacing
from ultra_face.runtimes.ultralytics_model import open_model, open_trained

LEVELS = {4: "P2", 8: "P3", 16: "P4", 32: "P5"}


@dataclass(frozen=True)
class Poured:
    """How near a layer comes to the donor's.

    Attributes:
        name: its number and class.
        stride: sides of the input over those of its output.
        correlation: of what both give, over all channels, each about its own mean; 1 is the same up to one factor and a
            constant for each channel.
    """

    name: str
    stride: int
    correlation: float


def pour_trunk(donor: Any, ours: Any, images: Tensor) -> list[Poured]:
    """Pour the layers of a model up to its SPPF into those of another.

    Args:
        donor: a trained model of Ultralytics, float32, in evaluation.
        ours: the model that changes, in evaluation.
        images: photographs (B, 3, H, W), RGB, 0..1.

    Returns:
        Each layer of the trunk, in order.

    Raises:
        ValueError: a layer that cannot be poured.
    """
    theirs, own = trunk(donor, "the donor"), trunk(ours, "the model")
    if len(theirs) != len(own):
        raise ValueError(
            f"expected a donor with {len(own)} layers up to SPPF, as the model has, got {len(theirs)}; name another"
        )
    report, x, y = [], images, images
    for number, (layer, own_layer) in enumerate(zip(theirs, own, strict=True)):
        try:
            x, y = pour(layer, own_layer, x, y)
        except ValueError as error:
            raise ValueError(f"layer {number}: {error}") from error
        moments = Moments()
        moments.add(x, y)
        stride = round(images.shape[-1] / y.shape[-1])
        report.append(Poured(f"{number} {type(own_layer).__name__}", stride, moments.correlation()))
    return report


def trunk(model: Any, name: str) -> list[nn.Module]:
    """The layers of a model up to its SPPF, each of which takes what the one before gives.

    Raises:
        ValueError: there is no SPPF, or a layer before it takes something else.
    """
    layers = list(model.model)
    end = next((number for number, layer in enumerate(layers) if isinstance(layer, SPPF)), None)
    if end is None or any(layer.f != -1 for layer in layers[: end + 1]):
        raise ValueError(f"expected {name} to have a trunk without branches that ends in SPPF, got none; name another")
    return layers[: end + 1]


@command("start_from")
def main() -> None:
    """Read the command line, pour, report, write."""
    options = _options()
    if options.output.suffix.lower() != ".pt":
        raise ValueError(f"--output: expected a name that ends in .pt, got {options.output}; choose one")
    ultra_face.register()
    with logging_on_standard_error(), files_trusted(options.trust):
        donor = open_trained(options.donor, "a trained model of Ultralytics").model.float().eval()
        model = open_model(options.model, "a model YAML")
        if options.weights:
            model.load(open_trained(options.weights, "a trained face model").model)
    ours = model.model.float().eval()
    photographs = Inputs(choose_evenly([options.images], options.photographs), (options.imgsz, options.imgsz))
    report = pour_trunk(donor, ours, torch.cat(list(photographs)))
    print(f"correlation with the donor on {len(photographs)} photographs")
    for layer in report:
        print(f"  {layer.name:<12}{LEVELS.get(layer.stride, ''):<4}{layer.correlation:.3f}")
    checkpoint = {"model": ours, "train_args": {"task": "pose"}}
    start = shipped([checkpoint], name=options.output.name, image_size=options.imgsz)
    if hasattr(ours.model[-1], "trained"):  # a head that starts at random gets anchors of the faces that it learns from
        start["model"].model[-1].trained = ours.model[-1].trained
    with replacing(options.output) as partial:
        torch.save(start, partial)
    print(f"wrote {options.output}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("donor", type=Path, help="checkpoint of a trained detector, .pt")
    add("model", help="model YAML whose trunk is to be filled")
    add("--images", required=True, type=Path, help="folder or list of photographs, to set the norms on")
    add("--output", required=True, type=Path, help="file to write, .pt")
    add("--weights", type=Path, help="face model whose neck and head to start from, as far as they fit")
    add("--photographs", type=positive, default=14, help="so many, evenly spread, all in memory at once (default: 14)")
    add("--imgsz", type=input_side, default=640, help="side of the input [px] (default: 640)")
    return add_trust(parser).parse_args()


if __name__ == "__main__":
    main()
