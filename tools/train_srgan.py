"""Train a super-resolution generator on the faces of a prepared data set: pixels first, then against an opponent.

python tools/train_srgan.py --data widerface.yaml --output runs/srgan --light --blocks 8 --width 32
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

from ultralytics.data.utils import check_det_dataset
from ultralytics.utils import TQDM

from ultra_face.command import command, named
from ultra_face.super_resolution.assemble import RunOptions, assemble
from ultra_face.super_resolution.crops import CropSettings
from ultra_face.super_resolution.settings import TrainingSettings


@command("train_srgan")
def main() -> None:
    """Read the command line, train, say where the generators are."""
    choices = parse()
    options = chosen(
        RunOptions,
        choices,
        crops=chosen(CropSettings, choices),
        training=chosen(TrainingSettings, choices),
        data_name=Path(choices.data).stem,
    )
    with named(choices.data, "a data YAML as for yolo train", "cfg/datasets/faces-demo.yaml shows one"):
        data = check_det_dataset(choices.data)
    train, val = (data[split] if isinstance(data[split], list) else [data[split]] for split in ("train", "val"))
    run = assemble(
        train,
        val,
        choices.output,
        options,
        preview_every=choices.preview_every,
        report=partial(print, flush=True),
        progress=partial(TQDM, desc="images"),
    )
    try:
        (run.resume if choices.resume else run.start)()
        run.run(workers=choices.workers, progress=lambda batches, total: TQDM(batches, total=total, desc="steps"))
    except KeyboardInterrupt as stop:
        raise KeyboardInterrupt(f"interrupted; --resume goes on with {choices.output}") from stop
    print(*sorted(choices.output.glob("best-*.pt")), sep="\n")


def parse() -> Namespace:
    """The command line."""
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    add = parser.add_argument
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
    return parser.parse_args()


def chosen(options: type[Any], choices: Namespace, **groups: Any) -> Any:
    """Settings of this type from the choices of the same names, and from groups of settings."""
    names = {field.name for field in fields(options)} & vars(choices).keys()
    return options(**{name: getattr(choices, name) for name in names}, **groups)


if __name__ == "__main__":
    main()
