"""Train a super-resolution generator on the faces of a prepared data set: pixels first, then against an opponent."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

from tqdm import tqdm

from ultra_face.cli.command import add_trust, logging_on_standard_error, new_parser, progress
from ultra_face.cli.data_yaml import data_folders
from ultra_face.super_resolution.assemble import RunOptions, assemble
from ultra_face.super_resolution.crops import CropSettings
from ultra_face.super_resolution.trainer import TrainingSettings


def parser() -> ArgumentParser:
    """What the command asks for."""
    example = "--data widerface.yaml --output runs/srgan --light --blocks 8 --width 32"
    add = (new := new_parser("train-generator", __doc__, example)).add_argument
    add("--data", required=True, help="data YAML, as for yolo train; val is what measures the generator")
    add("--output", type=Path, default=Path("runs/srgan"), help="folder of the run")
    add("--resume", action="store_true", help="go on with the run in the folder")
    add("--scale", type=int, default=4, help="whole factor of the enlargement: 2, 4, 8")
    add("--blocks", type=int, default=16, help="residual blocks")
    add("--width", type=int, default=64, help="channels of the generator")
    add("--light", action="store_true", help="no 9 x 9 kernels and no layers at high resolution, for the CPU")
    add("--weights", type=Path, help="generator to start from; its scale, blocks, width and form count")
    add("--discriminator-width", type=int, default=64, help="channels of the discriminator's first layer")
    add("--tile", type=int, default=96, help="side of the sharp crops [px]")
    add("--min-face", type=float, default=24.0, help="smallest face that a crop is made about [px]")
    add("--background", type=float, default=0.2, help="share of crops from anywhere in an image")
    add("--batch", type=int, default=16, help="crops in a batch")
    add("--pixel-steps", type=int, default=20_000, help="steps with the pixel loss alone")
    add("--adversarial-steps", type=int, default=5_000, help="steps with the adversarial losses too")
    add("--pixel-rate", type=float, default=1e-3, help="learning rate at the start of the first phase")
    add("--adversarial-rate", type=float, default=1e-4, help="learning rate at the start of the second phase")
    add("--perceptual", default="none", help="none, vgg19=FILE or detector=FILE")
    add("--perceptual-weight", type=float, default=6e-3, help="of the perceptual loss")
    add("--detector", type=Path, help="trained detector, whose loss on the enlarged crops is added")
    add("--detector-weight", type=float, default=0.02, help="of the detector's loss")
    add("--evaluate-every", type=int, default=500, help="steps between two measurements")
    add("--preview-every", type=int, default=0, help="steps between two sample sheets")
    add("--num-held-out", type=int, default=64, help="face crops to measure on")
    add("--bfloat16", action="store_true", help="run the networks in bfloat16")
    add("--device", default="cpu", help="cpu, cuda, cuda:1, mps")
    add("--workers", type=int, default=0, help="processes that prepare batches")
    add("--seed", type=int, default=0, help="of weights, crops and degradation")
    return add_trust(new)


def run(options: Namespace) -> None:
    """Train and say where the generators are."""
    made_of = chosen(
        RunOptions,
        options,
        crops=chosen(CropSettings, options),
        training=chosen(TrainingSettings, options),
        data_name=Path(options.data).stem,
    )
    with logging_on_standard_error():
        train, val = data_folders(options.data, "train", "val")
    training = assemble(
        train,
        val,
        options.output,
        made_of,
        preview_every=options.preview_every,
        report=partial(print, flush=True),
        progress=progress("images"),
    )
    try:
        (training.resume if options.resume else training.start)()
        training.run(workers=options.workers, progress=lambda batches, total: tqdm(batches, total=total, desc="steps"))
    except KeyboardInterrupt as stop:
        raise KeyboardInterrupt(f"interrupted; --resume goes on with {options.output}") from stop
    print(*sorted(options.output.glob("best-*.pt")), sep="\n")


def chosen(settings: type[Any], options: Namespace, **groups: Any) -> Any:
    """Settings of this type from the options of the same names, and from groups of settings."""
    names = {field.name for field in fields(settings)} & vars(options).keys()
    return settings(**{name: getattr(options, name) for name in names}, **groups)
